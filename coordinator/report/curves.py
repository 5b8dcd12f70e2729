"""Trials over time: each one's value by its number, and its learning curve.

Knows nothing of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.report.evidence import Trial
from coordinator.report.figure import Figure, Values, axes, dots, short

CURVES = 100  # of each kind: more are one blot, and a browser takes its time over them


def history(trials: Sequence[Trial], metric: str, sign: int) -> Figure:
    """Every trial's value, and the best one up to it."""
    complete = [trial for trial in trials if trial.complete]
    ended = [trial for trial in trials if trial.cut_short and trial.values]
    best: list[float] = []
    for trial in complete:
        value = trial.values[0]
        best.append(value if not best else sign * max(sign * value, sign * best[-1]))
    return Figure(
        traces=[
            dots("cut short", ended, color="--pruned", symbol="x-thin-open"),
            dots("complete", complete, color="--complete", symbol="circle"),
            {
                "name": "best so far",
                "x": [trial.number for trial in complete],
                "y": best,
                "mode": "lines",
                "line": {"shape": "hv", "color": "--best", "width": 2},
                "hoverinfo": "skip",
            },
        ],
        layout=axes("trial", metric),
        alternative=f"{metric} of {len(complete)} complete and {len(ended)} cut short trials by "
        "number, and the best so far",
        height=340,
    )


def learning_curves(trials: Sequence[Trial], metric: str, best: Trial | None, sign: int) -> Figure:
    """The objective by epoch: complete trials as lines, those cut short apart as dots that end in a
    cross, the best one above all."""
    curves = [trial for trial in trials if trial.curve and trial is not best]
    whole = [trial for trial in curves if not trial.cut_short]
    ended = [trial for trial in curves if trial.cut_short]
    drawn, drawn_ended = _spread(whole, sign), _spread(ended, sign)
    traces = [
        _lines("cut short", drawn_ended, color="--pruned", width=1, dash="dot"),
        _ends(drawn_ended),
        _lines("complete", drawn, color="--complete", width=1, dash="solid"),
    ]
    if best is not None and best.curve:
        named = f"best (trial {best.number})"
        traces.append(_lines(named, [best], color="--best", width=3, dash="solid"))
    left_out = len(curves) - len(drawn) - len(drawn_ended)
    return Figure(
        traces=traces,
        layout=axes("epoch", metric),
        alternative=f"{metric} by epoch of {len(ended)} trials that were cut short and "
        f"{sum(bool(trial.curve) for trial in trials) - len(ended)} that were not",
        note=f"{left_out:,} of {len(curves):,} curves are left out, evenly from the best to the "
        f"worst, so that {CURVES} of each kind can be told apart."
        if left_out
        else "",
    )


def _spread(trials: Sequence[Trial], sign: int) -> list[Trial]:
    """At most CURVES of them: every n-th by the best value that was reached, ends included."""
    if len(trials) <= CURVES:
        return list(trials)
    ordered = sorted(trials, key=lambda trial: max(sign * value for _, value in trial.curve))
    last = len(ordered) - 1
    return [ordered[round(index * last / (CURVES - 1))] for index in range(CURVES)]


def _lines(name: str, trials: Sequence[Trial], *, color: str, width: int, dash: str) -> Values:
    """All trials as one trace with gaps: a trace each would take the browser seconds."""
    epochs: list[int | None] = []
    values: list[float | None] = []
    numbers: list[int | None] = []
    for trial in trials:
        epochs += [*(epoch + 1 for epoch, _ in trial.curve), None]
        values += [*(short(value) for _, value in trial.curve), None]
        numbers += [trial.number] * (len(trial.curve) + 1)
    return {
        "name": name,
        "x": epochs,
        "y": values,
        "customdata": numbers,
        "mode": "lines",
        "connectgaps": False,
        "line": {"color": color, "width": width, "dash": dash},
        "hovertemplate": "trial %{customdata}, epoch %{x}: %{y:.4f}<extra></extra>",
    }


def _ends(trials: Sequence[Trial]) -> Values:
    """Where trials were cut short."""
    return {
        "name": "where it was cut",
        "showlegend": False,
        "x": [trial.curve[-1][0] + 1 for trial in trials],
        "y": [short(trial.curve[-1][1]) for trial in trials],
        "mode": "markers",
        "marker": {"color": "--pruned", "symbol": "x-thin-open", "size": 6, "line": {"width": 1}},
        "hoverinfo": "skip",
    }
