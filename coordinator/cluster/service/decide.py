"""One idempotent step for a study in the cluster: from what is seen to what is to be done, and to
what the person is told.

A pure function; what it needs to know from before is in the API server, in the database or on the
volumes, so a coordinator killed between any two actions loses nothing. What has failed stays failed
until a person submits or resumes again. Its parts are preparing.py, staffing.py and promoting.py.
Knows nothing of how things are seen (look.py) or done (carry_out.py).
"""

from __future__ import annotations

from dataclasses import replace

from coordinator.cluster.service.actions import (
    Action,
    DeleteJob,
    Register,
    SetWorkers,
    StopTrials,
)
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.holders import of_pods
from coordinator.cluster.service.preparing import prepare
from coordinator.cluster.service.promoting import answer_order, promote_best
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.staffing import leave_unstarted, staff
from study.progress import Progress

DELETED = "the study was deleted from the database; to begin anew: make submit STUDY={name}"


def decide(seen: Seen) -> Decision:
    """What to do now."""
    decision = _course(seen)
    order = answer_order(seen)
    return replace(
        decision,
        actions=(*of_pods(seen), *decision.actions, *order.actions),
        answer=order.answer,
    )


def _course(seen: Seen) -> Decision:
    """The study itself, without its pods' notes and a person's orders."""
    previous = seen.previous
    if seen.refusal:
        return Decision("refused", reason=seen.refusal)
    if seen.request.stopped:
        return _stop(seen)
    settled = previous is not None and seen.request.retry <= previous.revision
    if previous is not None and settled and previous.phase == "failed":
        return Decision("failed", tuple(_leave(seen, "the study has failed")), previous.reason)
    if previous is not None and settled and previous.phase == "refused":
        return Decision("refused", reason=previous.reason)
    if seen.progress is None:
        if previous is not None and settled and previous.snapshot is not None:
            gone = tuple(_leave(seen, "the study was deleted"))
            return Decision("failed", gone, DELETED.format(name=seen.name))
        return prepare(seen)
    return _registered(seen, seen.progress)


def _registered(seen: Seen, progress: Progress) -> Decision:
    study = progress.study
    if study.config.data != seen.config.data or study.store not in seen.packed:
        return prepare(seen)
    if study.stopped or study.config != seen.config:
        return Decision("running", (Register(study.store),))
    wanted: list[Action] = []
    if study.workers != seen.request.workers:
        wanted.append(SetWorkers(seen.request.workers))
    if progress.done:
        promotion = promote_best(seen)
        return replace(promotion, actions=(*wanted, *leave_unstarted(seen), *promotion.actions))
    return staff(seen, Decision("running", tuple(wanted), seen.waiting))


def _stop(seen: Seen) -> Decision:
    """Lets all leave. A study that is done stays done."""
    progress = seen.progress
    if progress is not None and progress.done and promote_best(seen).phase == "done":
        return Decision("done", tuple(_leave(seen, "the study is done")))
    actions: list[Action] = []
    if progress is not None and not progress.study.stopped:
        actions.append(StopTrials())
    actions += _leave(seen, "the study was stopped")
    leaving = sum(not pod.ended for pod in seen.workers)
    reason = f"{leaving} workers have yet to leave" if leaving else ""
    return Decision("stopped", tuple(actions), reason)


def _leave(seen: Seen, why: str) -> list[Action]:
    """Deletes the Jobs of a study that is not to go on; those that have ended keep their logs."""
    return [
        DeleteJob(role, job.uid, why)
        for role, job in sorted(seen.jobs.items())
        if role in ("prepare", "worker") and not job.outcome and not job.deleting
    ]
