"""One idempotent step for a study in the cluster: from what is seen to what is to be done, and to
what the person is told.

A pure function; what it needs to know from before is in the API server, in the database or on the
volumes, so a coordinator killed between any two actions loses nothing. What has failed stays failed
until a person submits or resumes again. Knows nothing of how things are seen (look.py) or done
(carry_out.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator.cluster.jobs import INDEX_RETRIES, prepare_purpose, worker_purpose
from coordinator.cluster.records import Answer, Phase
from coordinator.cluster.service.actions import (
    Action,
    DeleteJob,
    Employ,
    Prepare,
    Register,
    Scale,
    SetWorkers,
    StopTrials,
)
from coordinator.cluster.service.holders import of_pods
from coordinator.cluster.service.promoting import answer_order, promote_best
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.sighting import result_of
from study import exit_codes
from study.progress import Progress

DELETED = "the study was deleted from the database; to begin anew: make submit STUDY={name}"

SPEECHLESS = (
    "the preparation ended well but did not say what it packed; is the image of PodTemplate "
    "`prepare` this project's? to pack again: make resume STUDY={name}"
)
VANISHED = (
    "the packed data set {store} is not on the volume `data`; is it the same volume for all pods? "
    "to pack it again: make resume STUDY={name}"
)


@dataclass(frozen=True)
class Decision:
    """What to do now, and how the study stands."""

    phase: Phase
    actions: tuple[Action, ...] = ()
    reason: str = ""
    """Why it waits, failed or was refused."""
    answer: Answer | None = None
    """To the request's order, once there is one."""


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
        return _prepare(seen, Decision("preparing"))
    return _registered(seen, seen.progress)


def _registered(seen: Seen, progress: Progress) -> Decision:
    study = progress.study
    if study.config.data != seen.config.data or study.store not in seen.packed:
        return _prepare(seen, Decision("preparing"))
    if study.stopped or study.config != seen.config:
        return Decision("running", (Register(study.store),))
    wanted: list[Action] = []
    if study.workers != seen.request.workers:
        wanted.append(SetWorkers(seen.request.workers))
    if progress.done:
        promotion = promote_best(seen)
        idle = _leave_unstarted(seen)
        actions = (*wanted, *idle, *promotion.actions)
        return Decision(promotion.phase, actions, promotion.reason)
    return _staff(seen, Decision("running", tuple(wanted), seen.waiting))


def _prepare(seen: Seen, so_far: Decision) -> Decision:
    """Packs the pictures, then registers the study."""
    job = seen.jobs.get("prepare")
    if job is None:
        return replace(so_far, actions=(Prepare(),))
    if job.deleting:
        return replace(so_far, reason="the preparation before is being cleared away")
    if job.made_for != prepare_purpose(seen.config.data):
        return replace(so_far, actions=(DeleteJob("prepare", job.uid, "it packs other data"),))
    if job.outcome == "failed":
        if job.revision < seen.request.retry:
            again = DeleteJob("prepare", job.uid, "it is tried again")
            return replace(so_far, actions=(again,))
        said = seen.last_words("prepare") or job.message
        return Decision("failed", reason=f"the pictures cannot be packed: {said}")
    if job.outcome != "complete":
        return replace(so_far, reason=seen.waiting or seen.packing)
    pods = seen.pods_of("prepare")
    store = str(result_of(pods).get("store", ""))
    if store in seen.packed:
        return replace(so_far, actions=(Register(store),))
    kept = any(pod.phase == "Succeeded" for pod in pods)
    if not (store or kept) or job.revision < seen.request.retry:
        lost = DeleteJob("prepare", job.uid, "its result is lost")
        return replace(so_far, actions=(lost,))
    if not store:
        return Decision("failed", reason=SPEECHLESS.format(name=seen.name))
    return Decision("failed", reason=VANISHED.format(store=store[:12], name=seen.name))


def _staff(seen: Seen, so_far: Decision) -> Decision:
    """Sees to it that as many workers as wanted are at it."""
    job, workers = seen.jobs.get("worker"), seen.request.workers
    if job is None:
        return _add(so_far, Employ(workers))
    if job.deleting:
        return replace(so_far, reason=so_far.reason or "the workers before are leaving")
    if job.made_for != worker_purpose(seen.config.resources):
        return _add(so_far, DeleteJob("worker", job.uid, "its resources have changed"))
    if job.outcome == "complete":
        return _add(so_far, DeleteJob("worker", job.uid, "there is more to do"))
    if job.outcome == "failed":
        if job.revision < seen.request.retry:
            return _add(so_far, DeleteJob("worker", job.uid, "it is tried again"))
        return replace(so_far, phase="failed", reason=_why_workers_failed(seen))
    if job.queued and job.workers != workers:
        # a queue forbids another number to a Job that it has started
        return _add(so_far, DeleteJob("worker", job.uid, f"{workers} workers are wanted"))
    if not job.queued and (job.parallelism, job.completions) != (workers, workers):
        return _add(so_far, Scale(workers))
    if job.suspended:
        return replace(so_far, reason=so_far.reason or "its queue has not admitted it yet")
    if job.failed_indexes and not so_far.reason:
        given_up = f"given up: workers {job.failed_indexes}: {_why_workers_failed(seen)}"
        return replace(so_far, reason=given_up)
    return so_far


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


def _leave_unstarted(seen: Seen) -> list[Action]:
    """Once the budget is spent workers leave by themselves; pods that find no place to start would
    only start to leave, and keep others from it."""
    job = seen.jobs.get("worker")
    living = [pod for pod in seen.pods_of("worker") if not pod.ended]
    if job is None or job.outcome or job.deleting or any(pod.scheduled for pod in living):
        return []
    if not living and not job.suspended:
        return []
    return [DeleteJob("worker", job.uid, "nothing is left to do for pods that have not started")]


def _why_workers_failed(seen: Seen) -> str:
    job = seen.jobs["worker"]
    usage = seen.last_words("worker", exit_codes.USAGE)
    if usage:
        return usage
    said = seen.last_words("worker") or job.message
    if job.reason != "FailedIndexes" and not job.failed_indexes:
        return said
    return (
        f"each ended {INDEX_RETRIES + 1} times or has a broken device; the last one said: {said}; "
        f"see make logs STUDY={seen.name}; try again with: make resume STUDY={seen.name}"
    )


def _add(decision: Decision, action: Action) -> Decision:
    return replace(decision, actions=(*decision.actions, action))
