"""What is decided for a study whose budget is spent."""

from __future__ import annotations

from coordinator.cluster.service.actions import (
    DeleteJob,
    Measure,
    Publish,
    Use,
)
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Promotion
from tests.cluster.situations import (
    CANDIDATES,
    Situation,
    due,
    job,
    progress,
    seen,
    table,
)

SITUATIONS: list[Situation] = [
    (
        "a study that is done is measured",
        seen(progress(done=True), promotion=due()),
        "promoting",
        [Measure(CANDIDATES)],
    ),
    (
        "while it is measured nothing is done",
        seen(progress(done=True), promotion=due(), jobs={"measure": job("measure")}),
        "promoting",
        [],
    ),
    (
        "a measurement of other trials is cleared away",
        seen(
            progress(done=True),
            promotion=due(),
            jobs={"measure": job("measure", made_for="1-2", outcome="complete")},
        ),
        "promoting",
        [DeleteJob("measure", "uid-measure", "other trials are to be measured")],
    ),
    (
        "what was measured is published",
        seen(
            progress(done=True),
            promotion=due(measured=True),
            jobs={"measure": job("measure", outcome="complete")},
        ),
        "promoting",
        [Publish(CANDIDATES)],
    ),
    (
        "a half-written measurement is not published",
        seen(progress(done=True), promotion=due(measured=True), jobs={"measure": job("measure")}),
        "promoting",
        [],
    ),
    (
        "a version that is not recorded is put in use",
        seen(progress(done=True), promotion=due(version=1)),
        "promoting",
        [Use(1, again=False)],
    ),
    (
        "a promoted study is done",
        seen(progress(done=True), promotion=due(version=1, recorded=True, in_use=1)),
        "done",
        [],
    ),
    (
        "a rollback lasts",
        seen(progress(done=True), promotion=due(version=2, recorded=True, in_use=1)),
        "done",
        [],
    ),
]


test_what_follows = table(SITUATIONS)


def test_a_study_is_done_though_some_of_its_workers_were_given_up() -> None:
    failed = job(outcome="failed", reason="FailedIndexes", failed_indexes="1")
    decision = decide(seen(progress(done=True), jobs={"worker": failed}, promotion=due()))
    assert (decision.phase, decision.actions) == ("promoting", (Measure(CANDIDATES),))


def test_a_budget_spent_without_a_complete_trial_fails_with_promotions_reason() -> None:
    decision = decide(seen(progress(done=True), promotion=Promotion(error="no trial is complete")))
    assert decision == Decision("failed", reason="no trial is complete")
