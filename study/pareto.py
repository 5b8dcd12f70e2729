"""Trials with two objectives: which of them nobody can do without, and which one is promoted.

The rule of promotion: of the trials whose metric is within search.tolerance of the best one, that
with the lowest second objective. Knows nothing of where trials are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial

from study.config.search import SearchConfig


def by_metric(trials: Sequence[FrozenTrial], search: SearchConfig) -> list[FrozenTrial]:
    """Best metric first; of equals that with the lower second objective, then the earlier one."""
    sign = search.sign
    return sorted(trials, key=lambda one: (-sign * one.values[0], one.values[1:], one.number))


def front(trials: Sequence[FrozenTrial], search: SearchConfig) -> list[FrozenTrial]:
    """The Pareto front, best metric first: whoever is better in one objective is worse in the
    other. Of trials that are equal in both, the earliest.

    trials: complete, with two objectives.
    """
    found: list[FrozenTrial] = []
    for trial in by_metric(trials, search):
        if not found or trial.values[1] < found[-1].values[1]:
            found.append(trial)
    return found


def chosen(trials: Sequence[FrozenTrial], search: SearchConfig) -> FrozenTrial:
    """The trial that promotion takes. Of equals that with the better metric.

    trials: complete, at least one.
    """
    ranked = by_metric(trials, search)
    best = ranked[0].values[0]
    close = [one for one in ranked if abs(one.values[0] - best) <= search.tolerance + ROUNDING]
    return min(close, key=lambda one: one.values[1])


ROUNDING = 1e-12  # 0.91 - 0.90 is a little more than 0.01
