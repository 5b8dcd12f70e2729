"""Room for trials becomes less by one, and never none."""

from __future__ import annotations

import logging

import pytest

from worker.packing.room import Room


def test_room_becomes_less_by_one_and_is_never_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "worker.packing.room")
    room = Room(3, threads=4, divided=False)
    shares = []
    for number in range(4):
        shares.append(room.share)
        room.shrink(number)
    assert shares == [1 / 3, 1 / 2, 1, 1]
    assert room.slots == 1
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith("packing: at most 2 at once from now on: trial 0 had")


def test_threads_that_were_divided_are_divided_among_fewer() -> None:
    divided, given = Room(3, threads=4, divided=True), Room(3, threads=4, divided=False)
    assert (divided.threads, given.threads) == (1, 4)
    divided.shrink(0)
    given.shrink(0)
    assert (divided.threads, given.threads) == (2, 4)
    assert Room(8, threads=4, divided=True).threads == 1
