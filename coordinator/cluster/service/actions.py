"""What the coordinator in the cluster can do for a study, each thing once: it may be done again
after a kill without harm.

Knows nothing of when (decide.py) nor of how (carry_out.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeleteJob:
    """With its pods; workers checkpoint and release."""

    role: str
    uid: str
    why: str


@dataclass(frozen=True)
class Prepare:
    """Make the Job that packs the pictures."""


@dataclass(frozen=True)
class Register:
    """Put the study into the database, or let it go on with the request's budget and resources."""

    store: str


@dataclass(frozen=True)
class SetWorkers:
    """Say in the database how many workers are wanted."""

    workers: int


@dataclass(frozen=True)
class StopTrials:
    """Say in the database that no trial is to begin."""


@dataclass(frozen=True)
class Employ:
    """Make the worker Job."""

    workers: int


@dataclass(frozen=True)
class Scale:
    """Give the worker Job another number of workers."""

    workers: int


@dataclass(frozen=True)
class Expire:
    """Say that a worker is dead: its trials can be adopted at once."""

    worker: str
    seen: bool
    """Whether its pod was seen to end; else it is looked for once more."""


@dataclass(frozen=True)
class Measure:
    """Make the Job that measures candidates again."""

    candidates: tuple[int, ...]


@dataclass(frozen=True)
class Publish:
    """Make a version of what was measured, and use it."""

    candidates: tuple[int, ...]


@dataclass(frozen=True)
class Use:
    """Point `latest` at a version and record it."""

    version: int
    again: bool
    """Also where it was rolled back since."""


@dataclass(frozen=True)
class BeginRollback:
    """Note at which version a rollback begins, so that it is done once."""

    version: int


@dataclass(frozen=True)
class Rollback:
    """Go back to the version before."""


@dataclass(frozen=True)
class Annotate:
    """Say on a pod what it trains; empty: nothing."""

    pod: str
    trial: str
    epoch: str


Action = (
    DeleteJob
    | Prepare
    | Register
    | SetWorkers
    | StopTrials
    | Employ
    | Scale
    | Expire
    | Measure
    | Publish
    | Use
    | BeginRollback
    | Rollback
    | Annotate
)
