"""Trials by their parameters: all of them side by side, and each by itself.

Knows nothing of the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coordinator.report.contrasts import shown
from coordinator.report.evidence import Trial
from coordinator.report.figure import Figure, Values, axes, dots, short
from study.config.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    Parameter,
)

AXIS_WIDTH = 70  # pixels of a parallel coordinate and its labels
ABSENT = "\N{EN DASH}"  # below the values: the parameter was not part of the trial


def parallel_coordinates(
    trials: Sequence[Trial],
    space: Mapping[str, Parameter],
    names: Mapping[str, str],
    metric: str,
    sign: int,
) -> Figure:
    """A line for each complete trial through its parameters to its value; at a dash the parameter
    was not part of the trial."""
    complete = [trial for trial in trials if trial.complete]
    ordered = sorted(complete, key=lambda trial: sign * trial.values[0])  # the best above all
    result = {"label": metric, "values": [short(trial.values[0]) for trial in ordered]}
    dimensions = [
        _dimension(path, parameter, names[path], ordered)
        for path, parameter in space.items()
        if any(path in trial.parameters for trial in ordered)
    ]
    scale = [[0, "--faint"], [0.6, "--faint"], [0.9, "--complete"], [1, "--best"]]
    return Figure(
        traces=[
            {
                "type": "parcoords",
                "dimensions": [*dimensions, result],
                "labelangle": -20,
                "labelside": "top",
                "labelfont": {"color": "--text", "size": 12},
                "tickfont": {"color": "--text", "size": 11},
                "rangefont": {"color": "--paper", "size": 1},
                "line": {
                    "color": list(range(len(ordered))),  # by rank: one bad trial changes nothing
                    "colorscale": scale,
                    "showscale": False,
                },
            }
        ],
        layout={"margin": {"t": 96, "l": 60, "r": 60, "b": 24}},
        alternative=f"parameters and {metric} of {len(complete)} complete trials, a line each",
        height=460,
        least_width=AXIS_WIDTH * (len(dimensions) + 1),
    )


def slices(
    trials: Sequence[Trial], path: str, parameter: Parameter, name: str, metric: str
) -> Figure:
    """The value by one parameter."""
    having = [trial for trial in trials if trial.complete and path in trial.parameters]
    values: list[Any] = [trial.parameters[path] for trial in having]
    layout = axes(name, metric)
    if isinstance(parameter, CategoricalParameter):
        values = [shown(value) for value in values]
        choices = [shown(choice) for choice in parameter.choices]
        layout["xaxis"] |= {"type": "category", "categoryarray": choices}
    else:
        marks = _marks(parameter)
        layout["xaxis"] |= {"tickvals": marks, "ticktext": [shown(mark) for mark in marks]}
        layout["xaxis"] |= {"type": "log" if parameter.log else "linear"}
    points = dots("complete", having, color="--complete", symbol="circle")
    return Figure(
        traces=[{**points, "x": values, "marker": {**points["marker"], "opacity": 0.5}}],
        layout={**layout, "showlegend": False},
        alternative=f"{metric} by {name} of {len(having)} complete trials",
        height=240,
    )


def _dimension(path: str, parameter: Parameter, label: str, trials: Sequence[Trial]) -> Values:
    """One axis, from bottom to top."""
    place, ticks = _scale(parameter)
    bottom, top = ticks[0][0], ticks[-1][0]
    if any(path not in trial.parameters for trial in trials):
        bottom -= 0.15 * (top - bottom) or 1.0
        ticks = [(bottom, ABSENT), *ticks]
    return {
        "label": label,
        "values": [
            short(place(trial.parameters[path])) if path in trial.parameters else bottom
            for trial in trials
        ],
        "range": [bottom, top],
        "tickvals": [at for at, _ in ticks],
        "ticktext": [text for _, text in ticks],
    }


def _scale(parameter: Parameter) -> tuple[Callable[[Any], float], list[tuple[float, str]]]:
    """Where a value stands on its axis, and the marks of the axis, upwards."""
    if isinstance(parameter, CategoricalParameter):
        choices = parameter.choices
        ticks = [(float(index), shown(choice)) for index, choice in enumerate(choices)]
        return lambda value: float(choices.index(value)), ticks
    scale = math.log10 if parameter.log else float
    return scale, [(scale(mark), shown(mark)) for mark in _marks(parameter)]


def _marks(parameter: IntParameter | FloatParameter) -> list[int | float]:
    """Values from its low to its high end, evenly on its scale: every one where they are few."""
    low, high = parameter.low, parameter.high
    if parameter.type == "int" and not parameter.log:
        steps = (high - low) // parameter.step
        stride = parameter.step * max(1, math.ceil(steps / 5))
        return [*range(parameter.low, parameter.high - stride // 2, stride), parameter.high]
    marks = [
        low * (high / low) ** (step / 4) if parameter.log else low + (high - low) * step / 4
        for step in range(5)
    ]
    return [round(mark) for mark in marks] if parameter.type == "int" else marks
