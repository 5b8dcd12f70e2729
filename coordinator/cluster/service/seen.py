"""What is seen of one study at one moment: its request, its Jobs and pods, its row in the database,
what is promoted. decide.py knows nothing else.

Knows nothing of where it was read (look.py), nor of the cluster's own objects (sighting.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from coordinator.cluster.records import Request, Status
from coordinator.worker_program import error_in
from study.config.records import StudyConfig
from study.progress import Progress


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
