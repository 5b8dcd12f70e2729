"""Two objectives: the trials that no other beats in both.

Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordinator.report.contrasts import shown
from coordinator.report.evidence import Evidence, Objective, Trial
from coordinator.report.figure import Figure, Values, axes
from coordinator.report.markup import Section, drawn, missing, table


def compromises(evidence: Evidence, names: Mapping[str, str]) -> Section:
    """The front as a figure and as a table; nothing for a study with one objective."""
    anchor, title = "pareto", "Pareto front"
    if len(evidence.objectives) < 2:
        return Section(anchor, title, "")
    front = pareto_front(evidence.trials, evidence.objectives)
    if not front:
        return Section(anchor, title, missing("needs a complete trial"))
    objectives = [objective.name for objective in evidence.objectives]
    used = [path for path in names if any(path in trial.parameters for trial in front)]
    rows = [
        [
            str(trial.number),
            *(f"{value:.6g}" for value in trial.values),
            *(shown(trial.parameters[path]) if path in trial.parameters else "" for path in used),
        ]
        for trial in front
    ]
    head = ["trial", *objectives, *(names[path] for path in used)]
    listed = table("No other trial beats these in both", head, rows, numbers=(0, 1, 2))
    return Section(anchor, title, drawn(pareto(evidence.trials, front, objectives)) + listed)


def pareto_front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """The complete trials that no other beats in both objectives, the best by the first one first;
    of equals the earlier one."""
    first, second = (objective.sign for objective in objectives)
    front: list[Trial] = []
    complete = [trial for trial in trials if trial.complete]
    # One pass from the best by the first: who is on the front beats all before it by the second.
    for trial in sorted(complete, key=lambda t: (-first * t.values[0], -second * t.values[1])):
        if not front or second * trial.values[1] > second * front[-1].values[1]:
            front.append(trial)
    return front


def pareto(trials: Sequence[Trial], front: Sequence[Trial], objectives: Sequence[str]) -> Figure:
    """All complete trials by both objectives, and the front as a staircase."""
    complete = [trial for trial in trials if trial.complete]
    return Figure(
        traces=[
            _objectives("complete", complete, color="--complete", mode="markers"),
            _objectives("Pareto front", front, color="--best", mode="lines+markers"),
        ],
        layout=axes(objectives[1], objectives[0]),
        alternative=f"{objectives[0]} and {objectives[1]} of {len(complete)} complete trials, of "
        f"which {len(front)} are on the Pareto front",
    )


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
