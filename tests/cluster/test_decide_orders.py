"""The decision about what a person ordered of a running study."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.cluster.records import Answer, Order, Request
from coordinator.cluster.service.actions import (
    Action,
    BeginRollback,
    DeleteJob,
    Measure,
    Rollback,
    Use,
)
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.seen import Promotion
from tests.cluster.situations import (
    CANDIDATES,
    due,
    job,
    progress,
    seen,
    wrote,
)


def ordered(verb: str, number: int | None = None) -> Request:
    order = Order.model_validate({"verb": verb, "trial": number})
    return Request(revision=4, workers=2, retry=1, order=order)


ORDERS: list[tuple[str, Request, dict[str, Any], list[Action], Answer | None]] = [
    (
        "a promotion is measured",
        ordered("promote"),
        {"promotion": due()},
        [Measure(CANDIDATES)],
        None,
    ),
    (
        "a version that was rolled back is used again",
        ordered("promote"),
        {"promotion": due(version=2, recorded=True, in_use=1)},
        [Use(2, again=True)],
        None,
    ),
    (
        "a promotion is answered",
        ordered("promote"),
        {"promotion": due(version=2, recorded=True, in_use=2)},
        [],
        Answer(revision=4),
    ),
    (
        "a trial that cannot be promoted",
        ordered("promote", 9),
        {"promotion": Promotion(error="trial 9 is not complete")},
        [],
        Answer(revision=4, error="trial 9 is not complete"),
    ),
    (
        "a rollback is noted first",
        ordered("rollback"),
        {"promotion": Promotion(in_use=2)},
        [BeginRollback(2)],
        None,
    ),
    (
        "a rollback that was noted is done",
        ordered("rollback"),
        {"promotion": Promotion(in_use=2), "rollback": (4, 2)},
        [Rollback()],
        None,
    ),
    (
        "a rollback is done once",
        ordered("rollback"),
        {"promotion": Promotion(in_use=1), "rollback": (4, 2)},
        [],
        Answer(revision=4),
    ),
    (
        "the next rollback is another one",
        ordered("rollback"),
        {"promotion": Promotion(in_use=2), "rollback": (3, 2)},
        [BeginRollback(2)],
        None,
    ),
    (
        "an answered order is not done again",
        ordered("rollback"),
        {
            "promotion": Promotion(in_use=1),
            "previous": wrote("running", answer=Answer(revision=4)),
        },
        [],
        None,
    ),
]


@pytest.mark.parametrize(
    ("request_", "what", "actions", "answer"),
    [row[1:] for row in ORDERS],
    ids=[row[0].replace(" ", "-") for row in ORDERS],
)
def test_what_follows_from_an_order(
    request_: Request, what: dict[str, Any], actions: list[Action], answer: Answer | None
) -> None:
    decision = decide(seen(progress(), jobs={"worker": job()}, request=request_, **what))
    assert (list(decision.actions), decision.answer) == (actions, answer)
    assert decision.phase == "running"


def test_a_measurement_that_failed_before_the_order_is_done_again() -> None:
    failed = {"worker": job(), "measure": job("measure", outcome="failed", revision=3)}
    before = decide(seen(progress(), jobs=failed, request=ordered("promote"), promotion=due()))
    assert before.actions == (DeleteJob("measure", "uid-measure", "it is tried again"),)
    failed["measure"] = job("measure", outcome="failed", revision=4, message="no weights")
    after = decide(seen(progress(), jobs=failed, request=ordered("promote"), promotion=due()))
    assert after.actions == ()
    assert after.answer is not None
    assert "no weights" in after.answer.error


def test_an_order_for_a_study_that_has_not_begun_is_answered() -> None:
    decision = decide(seen(request=ordered("promote"), jobs={"prepare": job("prepare")}))
    assert decision.answer is not None
    assert "has not begun" in decision.answer.error
