"""The thread that keeps leases alive outlives whatever goes wrong with a beat."""

from __future__ import annotations

import queue
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

from study.errors import LeaseLost
from study.lease import Lease
from study.ledger import Ledger
from worker.heart import Heart

PATIENCE = 10.0  # seconds


def lease(token: int = 1) -> Lease:
    return Lease(trial_id=7, number=0, token=token, worker="a")


class Beats:
    """Stands in for the ledger: each heartbeat does the next thing it was told."""

    def __init__(self, *answers: Exception | None) -> None:
        self.seen: queue.Queue[int] = queue.Queue()
        self._answers = list(answers)

    def heartbeat(self, lease: Lease, seconds: float) -> None:  # noqa: ARG002
        answer = self._answers.pop(0) if self._answers else None
        self.seen.put(lease.token)
        if answer is not None:
            raise answer


def heart_on(beats: Beats, lost: queue.Queue[Lease]) -> Heart:
    return Heart(cast(Ledger, beats), lease_seconds=0.1, share=lambda: 1.0, lost=lost.put)


@pytest.mark.parametrize("error", [OperationalError("", {}, Exception()), RuntimeError("a bug")])
def test_it_beats_on_after_any_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.heart.RETRY_SECONDS", 0.05)
    beats, lost = Beats(error, error), queue.Queue[Lease]()
    heart = heart_on(beats, lost)
    heart.hold(lease())
    assert [beats.seen.get(timeout=PATIENCE) for _ in range(4)] == [1, 1, 1, 1]
    heart.end()
    assert lost.empty()


def test_a_lost_lease_is_told_once_and_not_beaten_for_again() -> None:
    beats, lost = Beats(None, LeaseLost()), queue.Queue[Lease]()
    heart = heart_on(beats, lost)
    heart.hold(lease())
    assert lost.get(timeout=PATIENCE) == lease()
    heart.end()
    assert (lost.empty(), beats.seen.qsize()) == (True, 2)
    assert heart.drop(lease()) == 0.0


def test_the_end_of_a_lease_does_not_touch_the_next_one_of_the_same_trial() -> None:
    class Adopting(Beats):
        def heartbeat(self, lease: Lease, seconds: float) -> None:
            if lease.token == 1:  # meanwhile the worker drops the trial and adopts it again
                heart.drop(lease)
                heart.hold(second)
            super().heartbeat(lease, seconds)

    second = lease(token=2)
    beats, lost = Adopting(LeaseLost()), queue.Queue[Lease]()
    heart = heart_on(beats, lost)
    heart.hold(lease(token=1))
    assert [beats.seen.get(timeout=PATIENCE) for _ in range(3)] == [1, 2, 2]
    heart.end()
    assert lost.empty()


def test_a_trial_that_computes_no_more_is_kept_alive_and_not_booked() -> None:
    class Booked(Beats):
        seconds: queue.Queue[float] = queue.Queue()

        def heartbeat(self, lease: Lease, seconds: float) -> None:
            self.seconds.put(seconds)
            super().heartbeat(lease, seconds)

    beats = Booked()
    heart = heart_on(beats, queue.Queue[Lease]())
    held = lease()
    heart.hold(held)
    assert beats.seconds.get(timeout=PATIENCE) > 0
    assert heart.rest(held) > 0
    beats.seconds.get(timeout=PATIENCE)  # may have been on its way
    assert [beats.seconds.get(timeout=PATIENCE) for _ in range(2)] == [0.0, 0.0]
    assert heart.drop(held) == 0.0
    heart.end()
