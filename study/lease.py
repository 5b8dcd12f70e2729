"""Records of the ledger, built from its rows. Know nothing of SQL."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A worker's right to train one trial and write its results."""

    trial_id: int
    """Optuna's, unique in the database."""
    number: int
    """Optuna's, unique in the study."""
    token: int
    """Fencing token: of two leases of one trial the higher is the valid one."""
    worker: str
    last_epoch: int | None = None
    """Newest epoch the ledger has a result of; None for a trial that has none."""
    attempts: int = 0
    """Workers lost in a row on this trial without an epoch of progress."""
    memory_retries: int = 0
    """Times the trial ran out of memory."""
    adopted_from: str | None = None
    """Worker that held it before; None for a trial begun by this lease."""
    promoted: bool = False
    """Whether it was paused, and goes on to the next rung."""


@dataclass(frozen=True)
class Intermediate:
    """Optuna's intermediate value and its step: what pruners compare."""

    step: int
    """The epoch; of a trial with folds, the fold."""
    value: float
    """The study's metric of that epoch, or of the best epoch of that fold; may be NaN or infinite.
    """
    rung: int | None = None
    """Of asha, that the trial has reached with it, from 0; None: none, or it is complete."""


class NoTrial(enum.Enum):
    """Why a claim gives none."""

    WAIT = "others still run trials that may have to be adopted"
    DONE = "the budget is spent and no trial is open"
    STOPPED = "the study was stopped"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a study may use and has used."""

    stopped: bool
    trials: int
    begun: int
    """Trials begun, whatever became of them."""
    open: int
    """Trials begun, neither ended nor paused."""
    paused: int
    """Trials that wait to be promoted (see halving.py)."""
    concluded: str | None
    """Why the study begins and promotes no trial any more, though its budget has room."""
    device_seconds: float | None
    device_spent: float
    wall_seconds: float | None
    wall_spent: float
    lease_seconds: float
    max_attempts: int

    @classmethod
    def from_row(cls, row: Any) -> Budget:
        """Reads a row of the statement `budget`."""
        return cls(
            stopped=row.stopped,
            trials=row.trials,
            begun=row.begun,
            open=row.unended - row.paused,
            paused=row.paused,
            concluded=row.concluded,
            device_seconds=row.device_seconds,
            device_spent=float(row.device_spent),
            wall_seconds=row.wall_seconds,
            wall_spent=float(row.wall_spent),
            lease_seconds=row.lease_seconds,
            max_attempts=row.max_attempts,
        )

    @property
    def time_spent(self) -> bool:
        """Whether the hours or GPU hours are used up: running trials end at their next epoch."""
        return (self.wall_seconds is not None and self.wall_spent >= self.wall_seconds) or (
            self.device_seconds is not None and self.device_spent >= self.device_seconds
        )

    @property
    def closed(self) -> bool:
        """Whether no further trial may begin, nor a paused one go on."""
        return self.time_spent or self.concluded is not None

    @property
    def spent(self) -> bool:
        """Whether no further trial may begin."""
        return self.begun >= self.trials or self.closed


@dataclass(frozen=True)
class Reported:
    """What the ledger answers to an epoch."""

    budget: Budget
    paused: bool
    """The trial is nobody's from now on: let it go at its checkpoint."""


class Outcome(enum.Enum):
    """How a trial ended; the value is what the ledger stores."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    INFEASIBLE = "infeasible"
    FAILED = "failed"

    @property
    def state(self) -> str:
        """Optuna's TrialState. A diverged or infeasible trial is PRUNED, from which samplers learn
        to stay away; from a FAILED one they learn nothing."""
        if self is Outcome.COMPLETE:
            return "COMPLETE"
        return "FAIL" if self is Outcome.FAILED else "PRUNED"
