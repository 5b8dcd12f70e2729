"""What is decided for the workers of a study."""

from __future__ import annotations

from coordinator.cluster.records import Request
from coordinator.cluster.service.actions import (
    DeleteJob,
    Employ,
    Register,
    Scale,
    SetWorkers,
)
from coordinator.cluster.service.decide import decide
from tests.cluster.situations import (
    CONFIG,
    STORE,
    Situation,
    due,
    ended,
    job,
    pod,
    progress,
    seen,
    table,
)

RICHER = CONFIG.model_copy(
    update={"resources": CONFIG.resources.model_copy(update={"memory_gib": 4.0})}
)
SITUATIONS: list[Situation] = [
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
]


test_what_follows = table(SITUATIONS)


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


def test_why_workers_wait_is_told() -> None:
    waiting = seen(progress(), jobs={"worker": job()}, waiting="no node has a free GPU")
    assert decide(waiting).reason == "no node has a free GPU"
