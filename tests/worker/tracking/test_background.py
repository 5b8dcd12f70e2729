from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from worker.tracking import background
from worker.tracking.background import Background
from worker.tracking.tracker import Pixels, TrackedTrial, Values

TRIAL = TrackedTrial(
    study="birds", number=0, parameters={}, directory=Path("unused"), first_epoch=0
)


class Service:
    """A tracker in memory that fails from an epoch on, or hangs in one."""

    def __init__(self, *, fails_at: int = 99, hangs_at: int = 99) -> None:
        self.told: list[object] = []
        self.fails_at, self.hangs_at = fails_at, hangs_at
        self.freed = threading.Event()

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:  # noqa: ARG002
        if epoch == self.hangs_at:
            self.freed.wait()
        if epoch >= self.fails_at:
            raise ConnectionError("the network is away")
        self.told.append(epoch)

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None: ...

    def pictures(self, epoch: int, pixels: Pixels) -> None: ...

    def end(self, value: float | None) -> None:
        self.told.append(value)


def test_everything_is_told_in_order_by_the_end() -> None:
    service = Service()
    tracker = Background("service", lambda _: service, TRIAL)
    for epoch in range(50):
        tracker.scalars(epoch, {})
    tracker.end(0.5)
    assert service.told == [*range(50), 0.5]


def test_a_tracker_that_fails_is_left_out_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(fails_at=2)
    tracker = Background("service", lambda _: service, TRIAL)
    with caplog.at_level(logging.WARNING):
        for epoch in range(5):
            tracker.scalars(epoch, {})
        tracker.end(0.5)
    assert service.told == [0, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "service: left out from now on: ConnectionError: the network is away"
    ]


def test_a_tracker_that_cannot_be_opened_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: TrackedTrial) -> Service:
        raise PermissionError("no such account")

    tracker = Background("service", refuse, TRIAL)
    with caplog.at_level(logging.WARNING):
        tracker.scalars(0, {})
        tracker.end(None)
    assert "no such account" in caplog.text


def test_a_tracker_that_hangs_is_not_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "END_SECONDS", 0.05)
    service = Service(hangs_at=1)
    tracker = Background("service", lambda _: service, TRIAL)
    with caplog.at_level(logging.WARNING):
        tracker.scalars(0, {})
        tracker.scalars(1, {})
        tracker.end(0.5)
    assert "service: does not answer" in caplog.text
    service.freed.set()
