"""Optuna's figures of a study as pieces of HTML; those that its trials cannot feed yet say so.

Knows nothing of the page they go on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna
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
    reported = [t for t in study.get_trials(deepcopy=False) if t.intermediate_values]
    varied = len({tuple(sorted(trial.params.items())) for trial in complete}) > 1
    few = "needs at least two complete trials with different parameters"
    return [
        _figure(
            "History",
            lambda: plot_optimization_history(study, target_name=metric),
            "" if complete else "needs a complete trial",
        ),
        _figure(
            "Learning curves",
            lambda: plot_intermediate_values(study).update_layout(
                xaxis_title="epoch", yaxis_title=metric
            ),
            "" if reported else "needs a trial with an epoch",
        ),
        _figure(
            "Importance of parameters",
            lambda: plot_param_importances(study, target_name=metric),
            "" if varied else few,
        ),
        _figure(
            "Parallel coordinates",
            lambda: plot_parallel_coordinate(study, target_name=metric),
            "" if varied else few,
        ),
        _figure(
            "Slices",
            lambda: plot_slice(study, target_name=metric),
            "" if varied else few,
        ),
    ]


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
