"""All trials as they stood before the first of them was pruned, so that they can be compared though
few were trained to their end.

Complete trials alone are a selection: what made trials bad is missing among them. At an epoch that
every trial has reached nothing is (Anderson, Cain and Gelber, Analysis of Survival by Tumor
Response, 1983, call it a landmark); the price is that who is ahead early need not be at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.report.evidence import Trial
from study.lease import Outcome


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """Trials by their best epoch up to a common one."""

    epochs: int
    trials: tuple[Trial, ...]
    """Those that trained so long, as if they were complete, with that value; of the others those
    that were cut short even before, as they are."""


def landmark(trials: Sequence[Trial], *, sign: int) -> Landmark | None:
    """None where no trial was pruned after an epoch or more.

    sign: 1 where higher is better, -1 where lower is.
    """
    pruned = [trial for trial in trials if trial.outcome == Outcome.PRUNED.value and trial.curve]
    if not pruned:
        return None
    epochs = 1 + min(trial.curve[-1][0] for trial in pruned)
    ended = [trial for trial in trials if trial.complete or trial.cut_short]
    return Landmark(
        epochs=epochs, trials=tuple(_as_it_stood(trial, epochs, sign) for trial in ended)
    )


def _as_it_stood(trial: Trial, epochs: int, sign: int) -> Trial:
    if not trial.curve or trial.curve[-1][0] + 1 < epochs:
        return trial
    until = [value for epoch, value in trial.curve if epoch < epochs]
    if not until:  # none of them was finite
        return trial
    best = max(until) if sign > 0 else min(until)
    return replace(trial, outcome=Outcome.COMPLETE.value, values=(best,))
