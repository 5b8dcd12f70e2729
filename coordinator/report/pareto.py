"""Two objectives: the trials that no other beats in both.

Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordinator.report.contrasts import shown
from coordinator.report.evidence import Evidence, Trial
from coordinator.report.figure import Figure, Values, axes
from coordinator.report.markup import Html, Section, drawn, missing, paragraph, table

UNITS = {"latency": "latency, ms"}


def compromises(evidence: Evidence, names: Mapping[str, str]) -> Section:
    """The front as a figure and as a table; nothing for a study with one objective."""
    anchor, title, search = "pareto", "Pareto front", evidence.study.config.search
    if search.second is None:
        return Section(anchor, title, "")
    if not evidence.front:
        return Section(anchor, title, missing("needs a complete trial"))
    objectives = (search.metric, UNITS.get(search.second, search.second))
    figure = pareto(evidence.complete, evidence.front, objectives)
    rule = (
        f"Promoted is the trial with the lowest {search.second} of those whose {search.metric} is "
        f"within {search.tolerance:g} of the best."
    )
    listed = _table(evidence.front, objectives, names)
    return Section(anchor, title, drawn(figure) + listed + paragraph(rule))


def pareto(complete: Sequence[Trial], front: Sequence[Trial], objectives: Sequence[str]) -> Figure:
    """All complete trials by both objectives, and the front as a staircase."""
    return Figure(
        traces=[
            _objectives("complete", complete, color="--complete", mode="markers"),
            _objectives("Pareto front", front, color="--best", mode="lines+markers"),
        ],
        layout=axes(objectives[1], objectives[0]),
        alternative=f"{objectives[0]} and {objectives[1]} of {len(complete)} complete trials, of "
        f"which {len(front)} are on the Pareto front",
    )


def _table(front: Sequence[Trial], objectives: Sequence[str], names: Mapping[str, str]) -> Html:
    used = [path for path in names if any(path in trial.parameters for trial in front)]
    rows = [
        [
            str(trial.number),
            *map(_number, trial.values),
            *(shown(trial.parameters[path]) if path in trial.parameters else "" for path in used),
        ]
        for trial in front
    ]
    head = ["trial", *objectives, *(names[path] for path in used)]
    return table("No other trial beats these in both", head, rows, numbers=(0, 1, 2))


def _number(value: float) -> str:
    """Parameters are counted, all else is a measurement."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4f}"


def _objectives(name: str, trials: Sequence[Trial], *, color: str, mode: str) -> Values:
    return {
        "name": name,
        "x": [trial.values[1] for trial in trials],
        "y": [trial.values[0] for trial in trials],
        "customdata": [trial.number for trial in trials],
        "mode": mode,
        "marker": {"color": color, "size": 8},
        "line": {"color": color, "width": 2, "shape": "vh"},
        "hovertemplate": "trial %{customdata}: %{y:.4g}, %{x:.4g}<extra></extra>",
    }
