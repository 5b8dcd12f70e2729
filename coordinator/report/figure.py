"""A figure as plotly.js draws it, from values that are JSON.

A colour is the name of a variable of page.css (`--best`), which page.js looks up when it draws, so
that one page suits light and dark screens. plotly's Python half is not used: building its objects
takes longer than all else on a page of 1,000 trials. Knows nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.report.evidence import Trial

Values = dict[str, Any]
"""Of JSON."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What plotly.js is given, and what is said of it."""

    traces: list[Values]
    layout: Values
    alternative: str
    """What it shows, for those who do not see it."""
    note: str = ""
    """What a reader must know, for example that points were left out."""
    height: int = 420
    """Pixels."""
    least_width: int = 0
    """Pixels; a narrower screen scrolls."""


def axes(x: str, y: str) -> Values:
    """A layout with these titles."""
    return {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}


def dots(name: str, trials: Sequence[Trial], *, color: str, symbol: str) -> Values:
    """A trace with each trial's first objective by its number."""
    return {
        "name": name,
        "x": [trial.number for trial in trials],
        "y": [short(trial.values[0]) for trial in trials],
        "customdata": [trial.number for trial in trials],
        "mode": "markers",
        "marker": {"color": color, "symbol": symbol, "size": 6, "opacity": 0.7},
        "hovertemplate": "trial %{customdata}: %{y:.4f}<extra></extra>",
    }


def short(value: float) -> float:
    """Six digits: what a screen can show, and a third of the page's size."""
    return float(f"{value:.6g}")
