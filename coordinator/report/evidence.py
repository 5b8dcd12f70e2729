"""What a study has come to, read once from the database: the records all of the page is made of.

Knows nothing of what follows from them, nor of the files of trials (result.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime

from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from study.config.parameters import Scalar
from study.lease import Outcome
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
    """Epochs, from 0, and their finite intermediate values."""
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
class Objective:
    """What trials are compared by."""

    name: str
    sign: int
    """1 where higher is better, -1 where lower is."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A study and all of its trials, by number."""

    progress: Progress
    objectives: tuple[Objective, ...]
    """One or two; the first is the study's metric."""
    trials: tuple[Trial, ...]

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
    with registry.engine.connect() as connection:
        rows = connection.execute(STATEMENTS["spent"], {"study_id": study.study_id})
        spent = {row.number: row.device_seconds for row in rows}
    trials = optuna_study.get_trials(deepcopy=False)
    return Evidence(
        progress=progress,
        objectives=_objectives(optuna_study, study.config.search.metric),
        trials=tuple(_read(trial, spent.get(trial.number, 0.0)) for trial in trials),
    )


def _objectives(study: Study, metric: str) -> tuple[Objective, ...]:
    """As Optuna has them; it knows names only where they were given."""
    directions = study.directions
    named = study.metric_names or [f"objective {n + 1}" for n in range(len(directions))]
    return tuple(
        Objective(name=name, sign=1 if direction is StudyDirection.MAXIMIZE else -1)
        for name, direction in zip([metric, *named[1:]], directions, strict=True)
    )


def _read(trial: FrozenTrial, device_seconds: float) -> Trial:
    values = tuple(trial.values or ()) if trial.state.is_finished() else ()
    return Trial(
        number=trial.number,
        outcome=_outcome(trial),
        values=values if all(map(math.isfinite, values)) else (),
        parameters=dict(trial.params),
        curve=tuple(
            (epoch, value)
            for epoch, value in sorted(trial.intermediate_values.items())
            if math.isfinite(value)
        ),
        epochs=len(trial.intermediate_values),
        begun=trial.datetime_start,
        ended=trial.datetime_complete,
        device_seconds=device_seconds,
        reason=str(trial.user_attrs.get("reason", "")),
    )


def _outcome(trial: FrozenTrial) -> str:
    """The ledger's word, which tells a diverged trial from a pruned one; Optuna's for a trial that
    was ended elsewhere."""
    if not trial.state.is_finished():
        return trial.state.name.lower()
    named = {TrialState.FAIL: Outcome.FAILED.value}
    return str(trial.user_attrs.get("outcome", named.get(trial.state, trial.state.name.lower())))
