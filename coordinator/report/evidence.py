"""What a study has come to, read once from the database: the records all of the page is made of.

Knows nothing of what follows from them, nor of the files of trials (result.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from study.config.parameters import Scalar
from study.halving import PAUSED
from study.lease import Outcome
from study.pareto import front
from study.progress import Progress, observe
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS

CUT_SHORT = (Outcome.PRUNED.value, Outcome.DIVERGED.value)
"""Outcomes of trials that were ended because they did badly."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial, whatever became of it."""

    number: int
    outcome: str
    """Of lease.Outcome; `running` or `waiting` while it has not ended."""
    values: tuple[float, ...] = ()
    """Its objectives; empty where it has none, or one that is not finite."""
    parameters: dict[str, Scalar | None] = field(default_factory=dict)
    """By dotted path; those whose condition did not hold are missing."""
    curve: tuple[tuple[int, float], ...] = ()
    """Epochs, from 0, and what they measured, where it is finite. Not Optuna's intermediate values:
    with folds those are of folds, with two objectives there are none."""
    epochs: int = 0
    """Reported."""
    begun: datetime | None = None
    ended: datetime | None = None
    device_seconds: float = 0.0
    reason: str = ""

    @property
    def complete(self) -> bool:
        """Whether it was trained to its end, and has a value to compare."""
        return self.outcome == Outcome.COMPLETE.value and bool(self.values)

    @property
    def cut_short(self) -> bool:
        """Whether it was ended because it did badly."""
        return self.outcome in CUT_SHORT


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A study and all of its trials, by number."""

    progress: Progress
    trials: tuple[Trial, ...]
    front: tuple[Trial, ...]
    """With two objectives: the trials that no other beats in both, the best metric first."""

    @property
    def study(self) -> RegisteredStudy:
        """As the database has it."""
        return self.progress.study

    @property
    def complete(self) -> tuple[Trial, ...]:
        """Trials that were trained to their end."""
        return tuple(trial for trial in self.trials if trial.complete)

    @property
    def best(self) -> Trial | None:
        """The best complete trial by the first objective; None before there is one."""
        if self.progress.best is None:
            return None
        return self.trials[self.progress.best.number]


def gather(registry: Registry, study: RegisteredStudy, optuna_study: Study) -> Evidence:
    """Reads everything. optuna_study: the same study; it remembers what it has read."""
    progress = observe(registry, study)
    curves: dict[int, list[tuple[int, float | None]]] = {}
    key = {"study_id": study.study_id, "metric": study.config.search.metric}
    with registry.engine.connect() as connection:
        for row in connection.execute(STATEMENTS["curves"], key):
            curves.setdefault(row.number, []).append((row.epoch, row.value))
        rows = connection.execute(STATEMENTS["spent"], {"study_id": study.study_id})
        spent = {row.number: row.device_seconds for row in rows}
    found = optuna_study.get_trials(deepcopy=False)
    trials = tuple(
        _read(
            trial,
            # Of a trial from elsewhere the ledger knows nothing.
            curves.get(trial.number, sorted(trial.intermediate_values.items())),
            spent.get(trial.number, 0.0),
        )
        for trial in found
    )
    search = study.config.search
    compared = [trial for trial in found if trials[trial.number].complete] if search.second else []
    return Evidence(
        progress=progress,
        trials=trials,
        front=tuple(trials[trial.number] for trial in front(compared, search)),
    )


def _read(
    trial: FrozenTrial, curve: Sequence[tuple[int, float | None]], device_seconds: float
) -> Trial:
    values = tuple(trial.values or ()) if trial.state.is_finished() else ()
    return Trial(
        number=trial.number,
        outcome=_outcome(trial),
        values=values if all(map(math.isfinite, values)) else (),
        parameters=dict(trial.params),
        curve=tuple(
            (epoch, value) for epoch, value in curve if value is not None and math.isfinite(value)
        ),
        epochs=len(curve),
        begun=trial.datetime_start,
        ended=trial.datetime_complete,
        device_seconds=device_seconds,
        reason=str(trial.user_attrs.get("reason", "")),
    )


def _outcome(trial: FrozenTrial) -> str:
    """The ledger's word, which tells a diverged trial from a pruned one; Optuna's for a trial that
    was ended elsewhere."""
    if PAUSED in trial.user_attrs:
        return "paused"
    if not trial.state.is_finished():
        return trial.state.name.lower()
    named = {TrialState.FAIL: Outcome.FAILED.value}
    return str(trial.user_attrs.get("outcome", named.get(trial.state, trial.state.name.lower())))
