"""What the supervisor and a trial's process say to each other through their pipe.

The supervisor never imports torch and the trial never sees the database, so everything here is
plain values. Pickled, between two processes of the same machine and user.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.config.records import StudyConfig
from study.lease import Intermediate
from study.paths import StudyPaths

# Supervisor to trial.


@dataclass(frozen=True, kw_only=True)
class Standby:
    """What a process gets ready for while it has no trial."""

    store: Path
    """The packed data set."""
    artifacts: StudyPaths
    """Where it is kept how a step is computed, and what is compiled."""
    config: StudyConfig
    """As the study was written, without a trial's parameters."""
    device: str
    """As torch.device takes it."""
    threads: int
    """As of an assignment."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Train this."""

    config: StudyConfig
    """With the trial's parameters filled in."""
    store: Path
    """The packed data set."""
    directory: Path
    """Where checkpoints and events of the trial go; made by the trial."""
    number: int = 0
    """The trial's; only people care."""
    device: str
    """As torch.device takes it."""
    threads: int
    """For torch on a CPU and for decoding."""
    last_epoch: int | None
    """Last epoch (from 0) whose result the ledger has; None for a new trial."""
    token: int = 1
    """Fencing token of the lease. Checkpoints carry it in their names, so that a worker that has
    lost the trial and does not know yet cannot touch the files of the one that adopted it."""
    accumulation: int = 1
    """Parts a batch is split into so that it fits into memory."""


@dataclass(frozen=True)
class Continue:
    """Go on after the epoch that was told."""


@dataclass(frozen=True)
class Prune:
    """Stop here: not promising, or the budget is spent."""


@dataclass(frozen=True)
class Stop:
    """Checkpoint after the step in hand and leave; can arrive at any time."""


@dataclass(frozen=True)
class Dismiss:
    """Nobody waits for this process any more: it may draw what it has to, and end."""


Command = Assignment | Continue | Prune | Stop | Dismiss

# Trial to supervisor.


@dataclass(frozen=True)
class Warm:
    """A step was rehearsed and the packed data set is mapped: training could begin at once."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What this process would train on."""

    name: str
    """As its maker calls it."""
    gpu: bool


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """The trial in the middle of the space was trained for some seconds, beside others."""

    images_per_second: float
    peak_bytes: int
    """Memory this process has taken of the device."""
    free_bytes: int
    """What is left of it while all of them hold theirs."""


@dataclass(frozen=True)
class FirstStep:
    """The first training step of the assignment is done."""

    at: float
    """time.monotonic(), which all processes of a machine share."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The last epoch is measured and the device is free; what follows is written. Not said by
    trials that are pruned or need the device after it."""

    value: float
    """What the trial ends with, unless it is pruned in the end."""
    last_step_at: float | None
    """As of Finished."""


@dataclass(frozen=True, kw_only=True)
class EpochDone:
    """An epoch is trained, measured and checkpointed. The trial goes on with the next one, which is
    not measured before Continue has come."""

    epoch: int
    """From 0; counts on over stages and folds."""
    value: float
    """The study's metric on the validation split."""
    intermediate: Intermediate | None
    """What pruners compare; None within a fold."""
    metrics: dict[str, float]
    """See worker.training.progress.EpochResult."""
    checkpoint: str
    """File name in the trial's directory."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Every epoch is done, or early stopping ended the trial, or it was told to prune."""

    value: float
    """Best epoch's metric; the mean over the folds, where there are some."""
    second: float | None
    """The second objective; None where the study has one."""
    best_epoch: int
    weights: str
    """File name in the trial's directory: the best epoch's weights."""
    pruned: bool
    attached: tuple[str, ...] = ()
    """Files in the trial's directory for people to look at; figures among them follow."""
    last_step_at: float | None = None
    """time.monotonic() of the last training step; None if no step was left to do."""


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """Stopped as asked; checkpointed unless no step was done."""

    checkpoint: str | None
    value: float | None
    """As of Finished; None where no epoch was done."""
    weights: str | None
    """As of Finished; None where no epoch was done."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Ended badly."""

    failure: str
    """Name of the TrialFailure subclass, or `bug` for any other exception."""
    reason: str
    traceback: str


Event = (
    Warm | Device | Rehearsed | FirstStep | Trained | EpochDone | Finished | Interrupted | Failed
)
