from __future__ import annotations

import subprocess
import sys
import time

import pytest

from bench import turns
from bench.turns import Round, children_seconds, in_turns, settle, timed

BUSY = 0.2  # seconds of processor time


def work() -> int:
    until = time.process_time() + BUSY
    while time.process_time() < until:
        pass
    return 4


def test_things_take_turns_and_their_first_round_does_not_count() -> None:
    taken: list[tuple[str, int]] = []

    def turn(name: str, number: int) -> int:
        taken.append((name, number))
        return 1

    measured = in_turns({name: lambda n, name=name: turn(name, n) for name in "ab"}, 2)  # type: ignore[misc]
    assert taken == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert {name: len(rounds) for name, rounds in measured.items()} == {"a": 2, "b": 2}


def test_a_round_knows_its_rate_and_cost() -> None:
    one = Round(amount=10, seconds=2.0, processor_seconds=4.0)
    assert (one.rate, one.cost) == (5.0, 400.0)


def test_processor_time_is_that_of_this_process() -> None:
    assert timed(work).processor_seconds == pytest.approx(BUSY, rel=0.5)


def test_processor_time_of_children_counts_while_they_run_and_once_they_have_ended() -> None:
    lines = ("import time", "while time.process_time() < 0.5: pass", "print(flush=True)", "input()")
    command = [sys.executable, "-c", "\n".join(lines)]
    before = children_seconds()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = children_seconds() - before
        child.communicate(b"\n")
    assert running > 0.4
    assert children_seconds() - before >= running - 0.1


def test_a_turn_begins_when_what_the_one_before_left_running_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readings = iter([0.0, 1.0, 2.0, 2.0])  # of a child that works between the first three looks
    monkeypatch.setattr(turns, "children_seconds", lambda: next(readings))
    settle()
    assert list(readings) == []
