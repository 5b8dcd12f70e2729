"""Optuna's figures of a study as pieces of HTML; those that its trials cannot feed yet say so.

Knows nothing of the page they go on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState
from optuna.visualization import (
    plot_intermediate_values,
    plot_optimization_history,
    plot_parallel_coordinate,
    plot_param_importances,
    plot_slice,
)
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # it ships no types

HEIGHT = 420  # pixels


@dataclass(frozen=True)
class Figure:
    """A titled piece of a page."""

    title: str
    html: str


def script() -> str:
    """plotly.js, 4 MB: to be put once into a page that shows figures without a network."""
    source: str = get_plotlyjs()
    return source


def figures(study: optuna.Study, metric: str) -> list[Figure]:
    """All figures. `metric` names the objective on their axes."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    reported = any(trial.intermediate_values for trial in study.get_trials(deepcopy=False))
    varied = len({tuple(sorted(trial.params.items())) for trial in complete}) > 1
    one = "" if complete else "needs a complete trial"
    epoch = "" if reported else "needs a trial with an epoch"
    two = "" if varied else "needs at least two complete trials with different parameters"
    return [
        _figure("History", partial(plot_optimization_history, study, target_name=metric), one),
        _figure("Learning curves", partial(_learning_curves, study, metric), epoch),
        _figure(
            "Importance of parameters",
            # as the dashboard does; Optuna's default wants scikit-learn for the same answer
            partial(
                plot_param_importances,
                study,
                target_name=metric,
                evaluator=PedAnovaImportanceEvaluator(),
            ),
            two,
        ),
        _figure(
            "Parallel coordinates",
            partial(plot_parallel_coordinate, study, target_name=metric),
            two,
        ),
        _figure("Slices", partial(plot_slice, study, target_name=metric), two),
    ]


def _learning_curves(study: optuna.Study, metric: str) -> Any:
    return plot_intermediate_values(study).update_layout(xaxis_title="epoch", yaxis_title=metric)


def _figure(title: str, draw: Callable[[], Any], missing: str) -> Figure:
    if missing:
        return Figure(title, f'<p class="missing">{missing}</p>')
    with warnings.catch_warnings():
        # a condition that few trials met yet; the page shows how few
        warnings.filterwarnings("ignore", message="Some regimes for parameter")
        drawn = draw()
    drawn.update_layout(title=None, height=HEIGHT, margin={"t": 30}, template="plotly_white")
    html: str = drawn.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False}
    )
    return Figure(title, html)
