"""The decision about pods and the trials they hold."""

from __future__ import annotations

import pytest

from coordinator.cluster.service.actions import (
    Annotate,
    Expire,
)
from coordinator.cluster.service.decide import decide
from tests.cluster.situations import (
    ended,
    job,
    pod,
    progress,
    seen,
    trial,
)


def test_pods_are_told_what_they_train_and_the_dead_hold_nothing() -> None:
    names = {
        role: f"worker-birds-{i}-abcde" for i, role in enumerate(("busy", "idle", "over", "gone"))
    }
    running = (
        trial(names["busy"], 3, epoch=1),
        trial(names["over"], 4),
        trial(names["gone"], 5),
        trial("somebody-else", 6),
        trial(names["gone"], 8, released=True),
    )
    pods = (
        pod(names["busy"], trial="2", epoch="5"),
        pod(names["idle"], trial="1", epoch="5"),
        ended(names["over"], 1),
    )
    decision = decide(seen(progress(running=running), jobs={"worker": job()}, pods=pods))
    assert list(decision.actions) == [
        Expire(names["over"], seen=True),
        Expire(names["gone"], seen=False),
        Annotate(names["busy"], "3", "2"),
        Annotate(names["idle"], "", ""),
    ]


@pytest.mark.parametrize("name", ["worker-birds-0-abcd", "worker-bird-0-abcde", "birds-0-abcde"])
def test_holders_that_are_not_named_like_our_pods_are_left_alone(name: str) -> None:
    decision = decide(seen(progress(running=(trial(name),)), jobs={"worker": job()}))
    assert decision.actions == ()
