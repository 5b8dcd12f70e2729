"""The decision as a pure function: a table of situations."""

from __future__ import annotations

import pytest

from coordinator.cluster.records import Phase, Request
from coordinator.cluster.service.actions import (
    Action,
    DeleteJob,
    Employ,
    Measure,
    Prepare,
    Publish,
    Register,
    Scale,
    SetWorkers,
    StopTrials,
    Use,
)
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Promotion, Seen
from tests.cluster.situations import (
    CANDIDATES,
    CONFIG,
    PACKED,
    STORE,
    due,
    ended,
    job,
    pod,
    progress,
    seen,
    wrote,
)

MOVED = CONFIG.model_copy(
    update={"data": CONFIG.data.model_copy(update={"source": "/data/elsewhere.zip"})}
)
RICHER = CONFIG.model_copy(
    update={"resources": CONFIG.resources.model_copy(update={"memory_gib": 4.0})}
)
SITUATIONS: list[tuple[str, Seen, Phase, list[Action]]] = [
    ("a new study is packed", seen(), "preparing", [Prepare()]),
    ("while it is packed nothing is done", seen(jobs={"prepare": job("prepare")}), "preparing", []),
    (
        "a packed study is registered",
        seen(jobs={"prepare": job("prepare", outcome="complete")}, pods=(PACKED,)),
        "preparing",
        [Register(STORE)],
    ),
    (
        "a preparation whose result is lost is done again",
        seen(jobs={"prepare": job("prepare", outcome="complete")}),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "its result is lost")],
    ),
    (
        "a preparation of other data is done again",
        seen(jobs={"prepare": job("prepare", made_for="other")}),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "it packs other data")],
    ),
    (
        "a preparation that failed before the person tried again is done again",
        seen(
            jobs={"prepare": job("prepare", outcome="failed")},
            request=Request(revision=2, workers=2, retry=2),
        ),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "it is tried again")],
    ),
    (
        "pictures that were moved are packed again",
        seen(progress(), config=MOVED),
        "preparing",
        [Prepare()],
    ),
    (
        "a data set that vanished is packed again",
        seen(progress(), packed=()),
        "preparing",
        [Prepare()],
    ),
    ("a registered study gets workers", seen(progress()), "running", [Employ(2)]),
    ("workers at work are left alone", seen(progress(), jobs={"worker": job()}), "running", []),
    (
        "another number of workers is one patch",
        seen(progress(workers=3), jobs={"worker": job()}, request=Request(revision=2, workers=3)),
        "running",
        [Scale(3)],
    ),
    (
        "what the database has is brought up to date as well",
        seen(progress(), jobs={"worker": job()}, request=Request(revision=2, workers=3)),
        "running",
        [SetWorkers(3), Scale(3)],
    ),
    (
        "a Job that a queue has started cannot be patched",
        seen(
            progress(workers=3),
            jobs={"worker": job(queued=True)},
            request=Request(revision=2, workers=3),
        ),
        "running",
        [DeleteJob("worker", "uid-worker", "3 workers are wanted")],
    ),
    (
        "a queue that admits fewer workers has its way",
        seen(progress(), jobs={"worker": job(queued=True, parallelism=1, completions=1)}),
        "running",
        [],
    ),
    (
        "other resources need other pods",
        seen(progress(config=RICHER), jobs={"worker": job()}, config=RICHER),
        "running",
        [DeleteJob("worker", "uid-worker", "its resources have changed")],
    ),
    (
        "a larger budget goes into the database first",
        seen(progress(config=RICHER), jobs={"worker": job(outcome="complete")}),
        "running",
        [Register(STORE)],
    ),
    (
        "workers that have finished make room for those that go on",
        seen(progress(), jobs={"worker": job(outcome="complete")}),
        "running",
        [DeleteJob("worker", "uid-worker", "there is more to do")],
    ),
    (
        "a Job that is being deleted is waited for",
        seen(progress(), jobs={"worker": job(deleting=True)}),
        "running",
        [],
    ),
    (
        "a stopped study lets its workers leave",
        seen(
            progress(),
            jobs={"worker": job(), "prepare": job("prepare", outcome="complete")},
            request=Request(revision=2, workers=2, stopped=True),
        ),
        "stopped",
        [StopTrials(), DeleteJob("worker", "uid-worker", "the study was stopped")],
    ),
    (
        "a stopped study stays stopped",
        seen(progress(stopped=True), request=Request(revision=2, workers=2, stopped=True)),
        "stopped",
        [],
    ),
    (
        "a study that is stopped while it is packed",
        seen(
            jobs={"prepare": job("prepare")},
            request=Request(revision=2, workers=2, stopped=True),
        ),
        "stopped",
        [DeleteJob("prepare", "uid-prepare", "the study was stopped")],
    ),
    (
        "a resumed study goes on",
        seen(progress(stopped=True), request=Request(revision=3, workers=2, retry=3)),
        "running",
        [Register(STORE)],
    ),
    (
        "another configuration under the name",
        seen(progress(), refusal="exists with another configuration"),
        "refused",
        [],
    ),
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
    (
        "pods that never started have nothing left to do",
        seen(
            progress(done=True),
            jobs={"worker": job()},
            pods=(
                ended("worker-birds-0-abcde", 0),
                pod("worker-birds-1-abcde", phase="Pending", scheduled=False),
            ),
            promotion=due(version=1, recorded=True),
        ),
        "done",
        [DeleteJob("worker", "uid-worker", "nothing is left to do for pods that have not started")],
    ),
    (
        "pods that start leave by themselves",
        seen(
            progress(done=True),
            jobs={"worker": job()},
            pods=(pod("worker-birds-1-abcde", phase="Pending"),),
            promotion=due(version=1, recorded=True),
        ),
        "done",
        [],
    ),
    (
        "a stopped study that is done and promoted is done",
        seen(
            progress(done=True),
            request=Request(revision=2, workers=2, stopped=True),
            promotion=due(version=1, recorded=True),
        ),
        "done",
        [],
    ),
    (
        "what failed stays failed, and its workers leave",
        seen(progress(), jobs={"worker": job()}, previous=wrote("failed", reason="no pictures")),
        "failed",
        [DeleteJob("worker", "uid-worker", "the study has failed")],
    ),
    (
        "what failed is tried again when a person says so",
        seen(
            progress(),
            jobs={"worker": job(outcome="failed")},
            previous=wrote("failed", reason="no pictures"),
            request=Request(revision=2, workers=2, retry=2),
        ),
        "running",
        [DeleteJob("worker", "uid-worker", "it is tried again")],
    ),
    (
        "another number of workers does not wake what failed",
        seen(
            progress(workers=3),
            previous=wrote("failed"),
            request=Request(revision=2, workers=3, retry=1),
        ),
        "failed",
        [],
    ),
    (
        "what was refused is looked at again when a person says so",
        seen(previous=wrote("refused"), request=Request(revision=2, workers=2, retry=2)),
        "preparing",
        [Prepare()],
    ),
    (
        "a study that was deleted while it ran has failed",
        seen(jobs={"worker": job()}, previous=wrote("running")),
        "failed",
        [DeleteJob("worker", "uid-worker", "the study was deleted")],
    ),
    (
        "a study that was deleted begins anew when a person says so",
        seen(previous=wrote("running"), request=Request(revision=2, workers=2, retry=2)),
        "preparing",
        [Prepare()],
    ),
]


@pytest.mark.parametrize(
    ("situation", "phase", "actions"),
    [row[1:] for row in SITUATIONS],
    ids=[row[0].replace(" ", "-") for row in SITUATIONS],
)
def test_what_follows(situation: Seen, phase: Phase, actions: list[Action]) -> None:
    decision = decide(situation)
    assert (decision.phase, list(decision.actions)) == (phase, actions)


def test_a_failed_preparation_is_told_in_its_own_words() -> None:
    failed = ended("prepare-birds-abcde", 2, "hpo-worker: /data: no pictures\n")
    decision = decide(seen(jobs={"prepare": job("prepare", outcome="failed")}, pods=(failed,)))
    assert decision == Decision(
        "failed", reason="the pictures cannot be packed: /data: no pictures"
    )


def test_a_wrong_configuration_is_told_in_the_workers_words() -> None:
    failed = job(outcome="failed", reason="PodFailurePolicy", message="exit code 2 matching")
    words = ended("worker-birds-1-abcde", 2, "12:00 I begun\nhpo-worker: the data set is gone\n")
    decision = decide(seen(progress(), jobs={"worker": failed}, pods=(words,)))
    assert (decision.phase, decision.reason) == ("failed", "the data set is gone")
    without = decide(seen(progress(), jobs={"worker": failed}))
    assert without.reason == "exit code 2 matching"


def test_workers_that_all_crashed_are_told_with_what_to_do() -> None:
    failed = job(outcome="failed", reason="FailedIndexes", failed_indexes="0-1")
    words = ended("worker-birds-1-abcde", 1, "RuntimeError: out of luck")
    decision = decide(seen(progress(), jobs={"worker": failed}, pods=(words,)))
    assert decision.phase == "failed"
    assert "out of luck" in decision.reason
    assert "make resume STUDY=birds" in decision.reason


def test_a_study_is_done_though_some_of_its_workers_were_given_up() -> None:
    failed = job(outcome="failed", reason="FailedIndexes", failed_indexes="1")
    decision = decide(seen(progress(done=True), jobs={"worker": failed}, promotion=due()))
    assert (decision.phase, decision.actions) == ("promoting", (Measure(CANDIDATES),))


def test_a_budget_spent_without_a_complete_trial_fails_with_promotions_reason() -> None:
    decision = decide(seen(progress(done=True), promotion=Promotion(error="no trial is complete")))
    assert decision == Decision("failed", reason="no trial is complete")


def test_why_pods_wait_is_told() -> None:
    waiting = seen(progress(), jobs={"worker": job()}, waiting="no node has a free GPU")
    assert decide(waiting).reason == "no node has a free GPU"
    packing = seen(jobs={"prepare": job("prepare")}, packing="packing the pictures: 3 of 9")
    assert decide(packing).reason == "packing the pictures: 3 of 9"


def test_a_packed_data_set_that_is_not_on_the_volume_is_told() -> None:
    packed = {"prepare": job("prepare", outcome="complete")}
    decision = decide(seen(jobs=packed, pods=(PACKED,), packed=()))
    assert decision.phase == "failed"
    assert "not on the volume" in decision.reason
