"""The figures of the search: its history, learning curves, parameters side by side and by
themselves. Those that the trials cannot feed yet say what they need.

Knows nothing of how a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coordinator.report.curves import history, learning_curves
from coordinator.report.evidence import Evidence
from coordinator.report.figure import Figure
from coordinator.report.markup import Html, Section, drawn, missing
from coordinator.report.parallel import parallel_coordinates, slices


def charts(evidence: Evidence, names: Mapping[str, str]) -> list[Section]:
    """All of them. names: short names of the parameters by dotted path."""
    search, space = evidence.study.config.search, evidence.study.config.space
    trials, complete = evidence.trials, evidence.complete
    reported = any(trial.curve for trial in trials)
    differ = len({tuple(sorted(trial.parameters.items())) for trial in complete}) > 1
    two = "" if differ else "needs at least two complete trials with different parameters"
    return [
        _chart(
            "history",
            "History",
            "" if complete else "needs a complete trial",
            lambda: history(trials, search.metric, search.sign),
        ),
        _chart(
            "curves",
            "Learning curves",
            "" if reported else "needs a trial with an epoch",
            lambda: learning_curves(trials, search.metric, evidence.best, search.sign),
        ),
        _chart(
            "parallel",
            "Parallel coordinates",
            two,
            lambda: parallel_coordinates(trials, space, names, search.metric, search.sign),
        ),
        Section("slices", "Each parameter", missing(two) if two else _slices(evidence, names)),
    ]


def _chart(anchor: str, title: str, needs: str, draw: Callable[[], Figure]) -> Section:
    return Section(anchor, title, missing(needs) if needs else drawn(draw()))


def _slices(evidence: Evidence, names: Mapping[str, str]) -> Html:
    metric, complete = evidence.study.config.search.metric, evidence.complete
    figures = (
        drawn(slices(complete, path, parameter, names[path], metric))
        for path, parameter in evidence.study.config.space.items()
        if any(path in trial.parameters for trial in complete)
    )
    return f'<div class="grid">{"".join(figures)}</div>'
