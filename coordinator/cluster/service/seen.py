"""What is seen of one study at one moment: its request, its Jobs and pods, its row in the database,
what is promoted. Built from the cluster's objects; decide.py knows nothing else.

Knows nothing of where it was read (look.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coordinator.cluster.jobs import MADE_FOR, QUEUE
from coordinator.cluster.records import (
    EPOCH,
    REVISION,
    ROLE,
    TRIAL,
    WORKERS,
    Request,
    Status,
    name_of,
)
from coordinator.worker_program import error_in
from study.config.records import StudyConfig
from study.progress import Progress

Object = Mapping[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"
LONGEST_STEM = 58  # characters of a pod's name before what the API server makes up


@dataclass(frozen=True, kw_only=True)
class SeenPod:
    """A pod of a Job of the study."""

    name: str
    role: str
    job_uid: str
    index: int
    created: str
    """RFC 3339."""
    phase: str
    """Pending, Running, Succeeded, Failed, Unknown."""
    scheduled: bool
    """Whether a node was found for it."""
    leaving: bool
    """Told to end."""
    exit_status: int | None
    message: str
    """Its result or its last words, once it has ended."""
    trial: str
    """What its annotations say."""
    epoch: str

    @property
    def ended(self) -> bool:
        """For good: its name does not come back."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, kw_only=True)
class SeenJob:
    """A Job of the study."""

    name: str
    uid: str
    revision: int
    """Of the request it was made for."""
    made_for: str
    """What else it was made for; see jobs.py."""
    workers: int
    """Asked for."""
    parallelism: int
    completions: int
    queued: bool
    """Started by a queue, which may give it fewer."""
    suspended: bool
    deleting: bool
    outcome: Literal["", "complete", "failed"]
    reason: str
    """Why it failed, in Kubernetes' word: PodFailurePolicy, FailedIndexes, ..."""
    message: str
    failed_indexes: str


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What could be promoted and what is."""

    candidates: tuple[int, ...] = ()
    """Of which the best is to be promoted."""
    error: str = ""
    """Why there are none."""
    version: int | None = None
    """That came from these candidates."""
    recorded: bool = False
    """Whether the database knows that version."""
    measured: bool = False
    """Whether the winner of these candidates lies ready to be published."""
    in_use: int | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A study at one moment."""

    name: str
    request: Request
    config: StudyConfig
    """Of the request."""
    refusal: str
    """Why the request cannot be fulfilled: the name belongs to another configuration."""
    previous: Status | None
    """What was written last."""
    rollback: tuple[int, int] | None
    """Revision of the request whose rollback has begun, and the version it began at."""
    jobs: Mapping[str, SeenJob]
    """By role."""
    pods: Sequence[SeenPod]
    progress: Progress | None
    """None: the database has no such study."""
    packed: Collection[str]
    """Packed data sets that lie ready."""
    promotion: Promotion
    waiting: str
    """Why pods do not start."""
    packing: str
    """How far the preparation is."""

    def pods_of(self, role: str) -> list[SeenPod]:
        """Of the Job that has the role now."""
        job = self.jobs.get(role)
        return [pod for pod in self.pods if job is not None and pod.job_uid == job.uid]

    @property
    def workers(self) -> list[SeenPod]:
        """Of this Job and of those before it."""
        return [pod for pod in self.pods if pod.role == "worker"]

    def last_words(self, role: str, exit_status: int | None = None) -> str:
        """What the newest pod of the role that failed, with that status, said."""
        failed = [
            pod
            for pod in self.pods_of(role)
            if pod.phase == "Failed" and exit_status in (None, pod.exit_status)
        ]
        failed.sort(key=lambda pod: pod.created)
        return next((said for pod in reversed(failed) if (said := error_in(pod.message))), "")


def see_pod(pod: Object) -> SeenPod:
    """From a pod."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    annotations = metadata.get("annotations") or {}
    ended = _terminated(status)
    owners = metadata.get("ownerReferences") or [{}]
    return SeenPod(
        name=metadata["name"],
        role=metadata["labels"].get(ROLE, ""),
        job_uid=owners[0].get("uid", ""),
        index=int(annotations.get(INDEX, 0)),
        created=metadata.get("creationTimestamp", ""),
        phase=status.get("phase", "Pending"),
        scheduled=_is_scheduled(status),
        leaving="deletionTimestamp" in metadata,
        exit_status=ended.get("exitCode"),
        message=ended.get("message", ""),
        trial=annotations.get(TRIAL, ""),
        epoch=annotations.get(EPOCH, ""),
    )


def see_job(job: Object) -> SeenJob:
    """From a Job."""
    metadata, spec = job["metadata"], job["spec"]
    annotations = metadata.get("annotations") or {}
    status = job.get("status") or {}
    ends = {
        each["type"]: each
        for each in status.get("conditions") or ()
        if each["status"] == "True" and each["type"] in ("Complete", "Failed", "FailureTarget")
    }
    failed = ends.get("Failed") or ends.get("FailureTarget") or {}
    return SeenJob(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=_number(annotations.get(REVISION)),
        made_for=annotations.get(MADE_FOR, ""),
        workers=_number(annotations.get(WORKERS)),
        parallelism=spec.get("parallelism", 1),
        completions=spec.get("completions", 1),
        queued=QUEUE in (metadata.get("labels") or {}),
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in metadata,
        outcome="complete" if "Complete" in ends else "failed" if "Failed" in ends else "",
        reason=failed.get("reason", ""),
        message=failed.get("message", ""),
        failed_indexes=status.get("failedIndexes", ""),
    )


def result_of(pods: Sequence[SeenPod]) -> dict[str, Any]:
    """What the newest pod that succeeded left; empty where none did or its words are lost."""
    for pod in sorted(pods, key=lambda pod: pod.created, reverse=True):
        if pod.phase == "Succeeded":
            try:
                found = json.loads(pod.message)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def is_worker_of(name: str, study: str) -> bool:
    """Whether a holder of a trial is a pod of the study's worker Job, this one or one before. The
    Job controller cuts a long name before its index."""
    found = re.fullmatch(r"(.+)(-\d+-)[a-z0-9]{5}", name)
    if found is None:
        return False
    return found[1] == name_of("worker", study)[: LONGEST_STEM - len(found[2])]


def _is_scheduled(status: Object) -> bool:
    return any(
        condition["type"] == "PodScheduled" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )


def _terminated(status: Object) -> Object:
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if "terminated" in state:
            found: Object = state["terminated"]
            return found
    return {}


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
