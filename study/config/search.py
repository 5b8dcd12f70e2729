"""The section `search`: what is looked for, by whom and for how long, with every default.

Knows nothing of sampling (see ../sampling.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from study.config.constraints import Fraction, Misfit, Positive, Seed
from study.config.parameters import Scalar
from study.config.record import Record


class SamplerConfig(Record):
    """Who proposes parameters."""

    name: Literal["tpe", "nsga2", "random", "qmc"] = "tpe"
    """nsga2: for two objectives and many trials, crosses those on the Pareto front."""
    seed: Seed = 0
    """With the trial's number it decides the random stream of each proposal."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """For tpe: trials drawn at random before it models anything."""
    population: Annotated[int, Field(ge=2)] = 20
    """For nsga2: complete trials of a generation; the first one is drawn at random."""

    @property
    def trials_at_random(self) -> int | None:
        """Before what did well is preferred; None: all are."""
        return {"tpe": self.startup_trials, "nsga2": self.population}.get(self.name)


class PrunerConfig(Record):
    """Who ends hopeless trials early, or has them wait."""

    name: Literal[
        "median", "percentile", "asha", "successive_halving", "hyperband", "wilcoxon", "none"
    ] = "median"
    """asha pauses trials and promotes them later, the others end them; wilcoxon: for trials with
    folds, compares fold by fold with the best trial."""
    percentile: Annotated[float, Field(gt=0.0, le=100.0)] = 25.0
    """For percentile: the best share of the trials that is kept."""
    startup_trials: Annotated[int, Field(ge=0)] = 4
    """For median and percentile: finished trials before anything is pruned."""
    warmup_epochs: Annotated[int, Field(ge=0)] | None = None
    """For median and percentile: epochs of each trial in which it is never pruned. None: a fifth
    of them."""
    min_epochs: Annotated[int, Field(ge=1)] = 1
    """For asha, successive_halving and hyperband: epochs of the first rung."""
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    """For asha, successive_halving and hyperband: one trial in so many goes on to the next rung,
    which is so many times as high."""
    p_threshold: Fraction = 0.1
    """For wilcoxon: a trial ends where one as good as the best would do so badly no more often."""

    def rung(self, epochs: int) -> int | None:
        """The rung of asha, from 0, on which a trial stands after so many epochs; None: none."""
        if self.name != "asha":
            return None
        rung, height = 0, self.min_epochs
        while height < epochs:
            rung, height = rung + 1, height * self.reduction_factor
        return rung if height == epochs else None


LADDERS = ("asha", "successive_halving", "hyperband")
"""Pruners that compare trials at rungs."""


class BudgetConfig(Record):
    """When a study is done: at the first bound that is reached."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)]
    gpu_hours: Positive | None = None
    """Device time of all workers together, counted while they hold trials (CPU hours on a CPU)."""
    hours: Positive | None = None
    """Wall-clock time in which the study was running."""
    improvement: Positive | None = None
    """In the metric: the search ends when less than this is left to gain (worker/outlook.py)."""


Metric = Literal[
    "accuracy",
    "top5",
    "loss",
    "precision",
    "recall",
    "f1",
    "f1_supported",
    "roc_auc",
    "log_loss",
    "ece",
]
"""What an epoch is measured by; docs/metrics.md defines them."""

Direction = Literal["maximize", "minimize"]
Second = Literal["parameters", "latency"]

LOWER_IS_BETTER: tuple[Metric, ...] = ("loss", "log_loss", "ece")


class SearchConfig(Record):
    """What is looked for and for how long."""

    metric: Metric = "accuracy"
    """Measured on the validation split after every epoch; a trial's value is its best epoch's."""
    direction: Direction = "maximize"
    second: Second | None = None
    """What else a trial is to be low in: the parameters of its model, or the latency of one picture
    on the trial's device, milliseconds."""
    tolerance: Annotated[float, Field(ge=0.0)] = 0.01
    """With a second objective: of the complete trials whose metric is within so much of the best
    one, that with the lowest second objective is promoted."""
    sampler: SamplerConfig = SamplerConfig()
    pruner: PrunerConfig = PrunerConfig()
    budget: BudgetConfig
    warm_start: tuple[dict[str, Scalar | None], ...] = ()
    """Parameters tried first; those left out are sampled."""

    @property
    def sign(self) -> int:
        """1 to maximize, -1 to minimize: the better value is the one whose product is higher."""
        return 1 if self.direction == "maximize" else -1

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Of all objectives, in Optuna's words."""
        return (self.direction, "minimize") if self.second else (self.direction,)

    @model_validator(mode="after")
    def _two_objectives_are_not_pruned(self) -> SearchConfig:
        """An epoch says nothing of the second objective, so Optuna's pruners refuse two."""
        if self.second and self.pruner.name != "none":
            rule = f"must be none where search.second is {self.second}, got {self.pruner.name}"
            raise Misfit("pruner.name", rule)
        return self

    @model_validator(mode="after")
    def _one_objective_has_a_best(self) -> SearchConfig:
        """What is left to gain is asked of one objective."""
        if self.second and self.budget.improvement is not None:
            rule = f"must be null where search.second is {self.second}"
            raise Misfit("budget.improvement", f"{rule}, got {self.budget.improvement:g}")
        return self

    @model_validator(mode="after")
    def _direction(self) -> SearchConfig:
        wanted = "minimize" if self.metric in LOWER_IS_BETTER else "maximize"
        if self.direction != wanted:
            raise Misfit(
                "direction", f"must be {wanted} for metric {self.metric}, got {self.direction}"
            )
        return self
