"""How a study is getting on: one snapshot for the terminal, the report and the tests.

Reads only; knows nothing of who shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import optuna

from study.lease import Budget
from study.pareto import by_metric, chosen
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS


@dataclass(frozen=True, kw_only=True)
class RunningTrial:
    """A trial that is open."""

    number: int
    worker: str
    epoch: int | None
    """Newest epoch reported."""
    value: float | None
    """Its intermediate value."""
    images_per_second: float | None
    seconds: float | None
    """Its newest epoch took."""
    released: bool
    """Waits to be adopted."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A study at one moment."""

    study: RegisteredStudy
    budget: Budget
    outcomes: dict[str, int]
    """Ended trials by outcome (see lease.Outcome)."""
    running: tuple[RunningTrial, ...]
    holders: frozenset[str]
    """Workers that hold a trial, or were the last to."""
    best: optuna.trial.FrozenTrial | None
    """Best complete trial."""

    @property
    def ended(self) -> int:
        """Trials that came to an end, whichever."""
        return sum(self.outcomes.values())

    @property
    def left(self) -> int:
        """Trials that may still begin."""
        return 0 if self.budget.closed else max(0, self.budget.trials - self.budget.begun)

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.budget.spent and self.budget.open == 0 and self.budget.paused == 0

    @property
    def images_per_second(self) -> float:
        """Training pictures of all running trials together, in their newest epochs."""
        return sum(trial.images_per_second or 0.0 for trial in self.running if not trial.released)

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the time ended and paused trials took. Before the first one from the newest
        epochs, as if no trial would end early; None before the first of them."""
        trained = self.ended + self.budget.paused
        if trained:
            per_trial = self.budget.device_spent / (trained + 0.5 * len(self.running))
            remaining = (self.left + 0.5 * len(self.running)) * per_trial
        else:
            took = [trial.seconds for trial in self.running if trial.seconds is not None]
            if not took:
                return None
            remaining = self._epochs_left * sum(took) / len(took)
        return remaining / max(1, min(self.study.workers, self.left + len(self.running)))

    @property
    def _epochs_left(self) -> int:
        """Where no trial ends early."""
        done = sum(trial.epoch + 1 for trial in self.running if trial.epoch is not None)
        return self.study.config.trial_epochs * (self.left + len(self.running)) - done


def observe(registry: Registry, study: RegisteredStudy) -> Progress:
    """Takes the snapshot."""
    key = {"study_id": study.study_id}
    metric = study.config.search.metric
    with registry.engine.connect() as connection:
        budget = Budget.from_row(connection.execute(STATEMENTS["budget"], key).one())
        outcomes = {
            row.outcome: row.trials for row in connection.execute(STATEMENTS["outcomes"], key)
        }
        running = tuple(
            RunningTrial(
                number=row.number,
                worker=row.worker,
                epoch=row.last_epoch,
                value=(row.metrics or {}).get(metric),
                images_per_second=(row.metrics or {}).get("images_per_second"),
                seconds=(row.metrics or {}).get("seconds"),
                released=row.released,
            )
            for row in connection.execute(STATEMENTS["running"], key)
        )
        holders = frozenset(connection.execute(STATEMENTS["holders"], key).scalars())
    return Progress(
        study=study,
        budget=budget,
        outcomes=outcomes,
        running=running,
        holders=holders,
        best=best_trial(registry, study),
    )


def best_trial(registry: Registry, study: RegisteredStudy) -> optuna.trial.FrozenTrial | None:
    """The best complete trial, or None. Asked every second: reads one trial, and that once."""
    if study.config.search.second:  # which one depends on all of them
        return next(iter(ranking(registry, study)), None)
    key = {"study_id": study.study_id, "sign": study.config.search.sign}
    with registry.engine.connect() as connection:
        trial_id = connection.execute(STATEMENTS["best"], key).scalar_one_or_none()
    return None if trial_id is None else registry.ended_trial(trial_id)


def ranking(registry: Registry, study: RegisteredStudy) -> list[optuna.trial.FrozenTrial]:
    """Complete trials, best first; of equals the earlier one. With a second objective the first is
    the one that promotion takes."""
    trials = registry.optuna_study(study).get_trials(
        deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)
    )
    search = study.config.search
    ranked = by_metric(trials, search)
    if search.second and ranked:
        first = chosen(ranked, search)
        return [first, *(trial for trial in ranked if trial is not first)]
    return ranked
