"""How much of what separates good trials from the rest each parameter explains, by Optuna.

Knows nothing of the page.
"""

from __future__ import annotations

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState


def importances(study: optuna.Study, *, sign: int) -> dict[str, float]:
    """Shares by dotted path, the largest first, together 1; empty where complete trials do not
    differ. PED-ANOVA (Watanabe, Bansal and Hutter, 2023), as the dashboard's: Optuna's default
    wants scikit-learn for the same answer.

    sign: 1 where higher is better, -1 where lower is.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({tuple(sorted(trial.params.items())) for trial in complete}) < 2:
        return {}

    def loss(trial: FrozenTrial) -> float:  # given a target, the evaluator looks for low ones
        return -sign * float(trial.values[0])

    with warnings.catch_warnings():
        # a condition that few trials met yet; the list of trials shows how few
        warnings.filterwarnings("ignore", message="Some regimes for parameter")
        warnings.filterwarnings("ignore", message="PedAnova.* to achieve low `target` values")
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), target=loss)
