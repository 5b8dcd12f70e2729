"""A study that pauses trials, as its sampler is to see it: a paused trial has told how good it is,
as a pruned one has.

Optuna knows paused trials as RUNNING. Of these a sampler learns where not to look, and no more;
where most trials are paused it would draw at random for long. Knows nothing of samplers.
"""

from __future__ import annotations

import copy
from collections.abc import Container

import optuna
from optuna.trial import FrozenTrial, TrialState

from study.halving import PAUSED


class Lesson(optuna.Study):
    """Read by a sampler, never written."""

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = map(_seen, super()._get_trials(deepcopy, None, use_cache))
        return [trial for trial in trials if states is None or trial.state in states]


def _seen(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.RUNNING or PAUSED not in trial.user_attrs:
        return trial
    pruned = copy.copy(trial)
    pruned.state = TrialState.PRUNED
    return pruned
