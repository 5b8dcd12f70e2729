"""The decision as a pure function: a study that begins, stops, fails, is refused or deleted."""

from __future__ import annotations

from coordinator.cluster.records import Request
from coordinator.cluster.service.actions import (
    DeleteJob,
    Prepare,
    Register,
    StopTrials,
)
from tests.cluster.situations import (
    STORE,
    Situation,
    due,
    job,
    progress,
    seen,
    table,
    wrote,
)

SITUATIONS: list[Situation] = [
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


test_what_follows = table(SITUATIONS)
