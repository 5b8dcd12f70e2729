"""A study as its sampler is to see it: a paused trial has told how good it is, as a pruned one has,
and so has one that is trained and about to end.

Optuna knows both as RUNNING. Of these a sampler learns where not to look, and no more; where most
trials are paused it would draw at random for long. Knows nothing of samplers.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Mapping

import optuna
from optuna.trial import FrozenTrial, TrialState

from study.halving import PAUSED


class Lesson(optuna.Study):
    """Read by a sampler, never written."""

    def __init__(self, study: optuna.Study, told: Mapping[int, float]) -> None:
        """told: values of trials that are about to end, by id."""
        super().__init__(study.study_name, study._storage, study.sampler)
        self._told = told

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = map(self._seen, super()._get_trials(deepcopy, None, use_cache))
        return [trial for trial in trials if states is None or trial.state in states]

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        told = self._told.get(trial._trial_id)
        paused = PAUSED in trial.user_attrs
        if trial.state is not TrialState.RUNNING or (told is None and not paused):
            return trial
        seen = copy.copy(trial)
        seen.state = TrialState.PRUNED if told is None else TrialState.COMPLETE
        seen.value = told
        return seen
