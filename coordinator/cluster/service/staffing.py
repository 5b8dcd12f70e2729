"""The middle of a step: as many workers as are wanted, and none that nothing is left to do for.

Pure functions, as decide.py.
"""

from __future__ import annotations

from dataclasses import replace

from coordinator.cluster.jobs import INDEX_RETRIES, worker_purpose
from coordinator.cluster.service.actions import Action, DeleteJob, Employ, Scale
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Seen
from study import exit_codes


def staff(seen: Seen, so_far: Decision) -> Decision:
    """Sees to it that as many workers as wanted are at it."""
    job, workers = seen.jobs.get("worker"), seen.request.workers
    if job is None:
        return so_far.also(Employ(workers))
    if job.deleting:
        return replace(so_far, reason=so_far.reason or "the workers before are leaving")
    if job.made_for != worker_purpose(seen.config.resources):
        return so_far.also(DeleteJob("worker", job.uid, "its resources have changed"))
    if job.outcome == "complete":
        return so_far.also(DeleteJob("worker", job.uid, "there is more to do"))
    if job.outcome == "failed":
        if job.revision < seen.request.retry:
            return so_far.also(DeleteJob("worker", job.uid, "it is tried again"))
        return replace(so_far, phase="failed", reason=_why(seen))
    if job.queued and job.workers != workers:
        # a queue forbids another number to a Job that it has started
        return so_far.also(DeleteJob("worker", job.uid, f"{workers} workers are wanted"))
    if not job.queued and (job.parallelism, job.completions) != (workers, workers):
        return so_far.also(Scale(workers))
    if job.suspended:
        return replace(so_far, reason=so_far.reason or "its queue has not admitted it yet")
    if job.failed_indexes and not so_far.reason:
        given_up = f"given up: workers {job.failed_indexes}: {_why(seen)}"
        return replace(so_far, reason=given_up)
    return so_far


def leave_unstarted(seen: Seen) -> list[Action]:
    """Once the budget is spent workers leave by themselves; pods that find no place to start would
    only start to leave, and keep others from it."""
    job = seen.jobs.get("worker")
    living = [pod for pod in seen.pods_of("worker") if not pod.ended]
    if job is None or job.outcome or job.deleting or any(pod.scheduled for pod in living):
        return []
    if not living and not job.suspended:
        return []
    return [DeleteJob("worker", job.uid, "nothing is left to do for pods that have not started")]


def _why(seen: Seen) -> str:
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
