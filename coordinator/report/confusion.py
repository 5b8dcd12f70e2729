"""What was taken for what: the confusion matrix, and the pairs of classes confused most.

Knows nothing of the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.report.figure import Figure
from coordinator.report.result import Result

LABELLED = 20  # classes whose matrix has room for numbers
LISTED = 10  # pairs


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Pictures of one class that were taken for another."""

    true: str
    predicted: str
    pictures: int
    of: int
    """Pictures of the true class."""


def most_confused(result: Result) -> list[Pair]:
    """The pairs with most pictures, most first."""
    pairs = [
        Pair(true=true, predicted=predicted, pictures=count, of=sum(row))
        for true, row in zip(result.classes, result.confusion, strict=True)
        for predicted, count in zip(result.classes, row, strict=True)
        if true != predicted and count
    ]
    return sorted(pairs, key=lambda pair: -pair.pictures)[:LISTED]


def confusion(result: Result) -> Figure:
    """Rows are true classes, columns predicted ones; colours are shares of a row."""
    shares = [
        [count / total if total else 0.0 for count in row]
        for row, total in ((row, sum(row)) for row in result.confusion)
    ]
    names = list(result.classes)
    labelled = len(names) <= LABELLED
    return Figure(
        traces=[
            {
                "type": "heatmap",
                "x": names,
                "y": names,
                "z": [[round(share, 4) for share in row] for row in shares],
                "text": result.confusion,
                "zmin": 0,
                "zmax": 1,
                "xgap": 1 if labelled else 0,
                "ygap": 1 if labelled else 0,
                "colorscale": [[0, "--faintest"], [1, "--complete"]],
                "hovertemplate": "true %{y}<br>predicted %{x}<br>%{text} pictures, "
                "%{z:.1%}<extra></extra>",
                **({"texttemplate": "%{text}"} if labelled else {}),
                "colorbar": {"tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
            }
        ],
        layout={
            "xaxis": {"title": {"text": "predicted"}, "type": "category", "tickangle": -40},
            "yaxis": {"title": {"text": "true"}, "type": "category", "autorange": "reversed"},
        },
        alternative=f"confusion matrix of {len(names)} classes; the table below names what was "
        "confused most",
        height=min(900, 260 + 22 * len(names)),
        least_width=min(900, 220 + 22 * len(names)),
    )
