"""What a person is told of a study in the cluster: the status, with a row for each worker.

Knows nothing of how it gets there (statuses.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.backends.backend import WorkerState
from coordinator.cluster.records import Answer, Status
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Seen, SeenPod
from coordinator.cluster.service.statuses import now
from coordinator.promoted import describe, in_use
from coordinator.snapshot import ShownWorker, Snapshot, snapshot
from study import paths
from study.errors import HpoError, one_line


def portray(seen: Seen, decision: Decision) -> Status:
    """The status to write."""
    previous = seen.previous
    promoted = _promoted(seen)
    answer = decision.answer
    if answer is None:
        answer = None if previous is None else previous.answer
    elif not answer.error:
        answer = Answer(revision=answer.revision, text=promoted)
    return Status(
        revision=seen.request.revision,
        phase=decision.phase,
        reason=one_line(decision.reason),
        written=now(),
        snapshot=_snapshot(seen),
        promoted=promoted,
        answer=answer,
    )


def newest_workers(pods: Sequence[SeenPod]) -> list[SeenPod]:
    """One of each index: the one that lives, else the last one."""
    newest: dict[int, SeenPod] = {}
    for pod in sorted(pods, key=lambda pod: (not pod.ended, pod.created)):
        newest[pod.index] = pod
    return [newest[index] for index in sorted(newest)]


def _snapshot(seen: Seen) -> Snapshot | None:
    if seen.progress is None:
        return None
    pods = newest_workers(seen.pods_of("worker") or seen.workers)
    workers = [
        WorkerState(
            index=pod.index, name=pod.name, alive=not pod.ended, exit_status=pod.exit_status
        )
        for pod in pods
    ]
    shown = snapshot(seen.progress, workers)
    rows = tuple(_row(row, pod) for row, pod in zip(shown.workers, pods, strict=True))
    return shown.model_copy(update={"workers": rows})


def _row(row: ShownWorker, pod: SeenPod) -> ShownWorker:
    """A pod that has no process yet, or is told to leave, says so."""
    if pod.ended:
        return row
    if pod.leaving:
        return row.model_copy(update={"state": "leaving"})
    if pod.phase == "Pending":
        state = "pending" if not pod.scheduled else "container starting"
        return row.model_copy(update={"state": state})
    return row


def _promoted(seen: Seen) -> str:
    """The version in use, in words."""
    if seen.progress is None:
        return ""
    place = paths.artifacts(seen.name)
    version = in_use(place)
    if version is None:
        return ""
    try:
        return describe(place, version, seen.config)
    except (HpoError, OSError, KeyError) as error:
        return one_line(f"version {version}, which cannot be read: {error}")
