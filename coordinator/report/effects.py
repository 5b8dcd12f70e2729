"""What helped: how much better complete trials of one group did than those of another, with a 95 %
interval.

The interval is a studentised bootstrap of the difference of two means (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, section 12.5): unlike the percentile bootstrap it is not too
narrow for groups of five, and unlike Welch's it assumes no normal values. Trials that were pruned
have no comparable value and only count in `cut_short`. Knows nothing of wording (sentences.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coordinator.report.contrasts import Contrast, Group, contrasts
from coordinator.report.evidence import Trial

LEAST = 5  # trials on either side of a comparison
RESAMPLES = 2000
LEVEL = 0.95

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many."""

    count: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A comparison and what it came to."""

    contrast: Contrast
    difference: float
    """Mean of the group less mean of the other, in the metric's own unit."""
    low: float
    high: float
    """Ends of the 95 % interval of `difference`; not finite where it has none."""
    p: float
    """Of no difference, two-sided, from the same bootstrap."""
    trials: Share
    """Of the group, of all that were compared."""
    cut_short: Share
    """Of the group's trials, those that were pruned or diverged."""
    cut_short_against: Share
    """The same of the other group."""

    @property
    def shown(self) -> bool:
        """Whether anything can be said: the interval is bounded and does not include zero."""
        bounded = np.isfinite(self.low) and np.isfinite(self.high)
        return bool(bounded and (self.low > 0.0 or self.high < 0.0))


@dataclass(frozen=True, kw_only=True)
class Effects:
    """All comparisons of a study."""

    effects: tuple[Effect, ...]
    """Those something can be said of, the largest difference first."""
    made: int
    """Comparisons that had trials enough."""
    skipped: tuple[str, ...]
    """Parameters of which no comparison had."""

    def firm(self, effect: Effect) -> bool:
        """Whether it would also be said if all comparisons were to be right together, at 95 %
        (Bonferroni)."""
        return effect.p * self.made <= 1.0 - LEVEL


def effects(trials: Sequence[Trial], parameters: Sequence[str], *, sign: int) -> Effects:
    """Compares the complete trials by their first objective.

    sign: 1 where higher is better, -1 where lower is.
    """
    found: list[Effect] = []
    skipped = []
    for parameter in parameters:
        measured = list(_measured(trials, parameter, sign))
        found += measured
        if not measured:
            skipped.append(parameter)
    said = sorted(
        (effect for effect in found if effect.shown), key=lambda effect: -abs(effect.difference)
    )
    return Effects(effects=tuple(said), made=len(found), skipped=tuple(skipped))


def interval(group: Values, against: Values) -> tuple[float, float, float]:
    """Low and high end of the 95 % interval of mean(group) - mean(against), and p of no difference.

    group, against: (n,) and (m,) float64. The same values always give the same answer. Without
    any spread nothing can be said: the ends are infinite, p is 1.
    """
    if np.ptp(group) == 0.0 and np.ptp(against) == 0.0:
        return -np.inf, np.inf, 1.0
    (difference,), (error,) = _difference(group[None], against[None])
    random = np.random.default_rng(0)
    resampled, errors = _difference(_resampled(random, group), _resampled(random, against))
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = (resampled - difference) / errors  # (RESAMPLES,)
    pivots = np.where(np.isnan(pivots), np.inf, pivots)  # counts against saying anything
    tail = (1.0 - LEVEL) / 2
    lower, upper = np.quantile(pivots, [tail, 1.0 - tail], method="nearest")
    beyond = int(np.count_nonzero(np.abs(pivots) >= abs(difference / error)))
    low, high = difference - upper * error, difference - lower * error
    return float(low), float(high), (1 + beyond) / (1 + RESAMPLES)


def _measured(trials: Sequence[Trial], parameter: str, sign: int) -> list[Effect]:
    having = [trial for trial in trials if parameter in trial.parameters]
    values = [trial.parameters[parameter] for trial in having if trial.complete]
    measured = []
    for contrast in contrasts(parameter, values):
        ahead, behind = (_values(having, contrast, of) for of in (contrast.group, contrast.against))
        if min(ahead.size, behind.size) < LEAST:
            continue
        if contrast.swappable and sign * (ahead.mean() - behind.mean()) < 0:
            contrast, ahead, behind = contrast.swapped(), behind, ahead
        low, high, p = interval(ahead, behind)
        measured.append(
            Effect(
                contrast=contrast,
                difference=float(ahead.mean() - behind.mean()),
                low=low,
                high=high,
                p=p,
                trials=Share(count=ahead.size, of=ahead.size + behind.size),
                cut_short=_cut_short(having, contrast, contrast.group),
                cut_short_against=_cut_short(having, contrast, contrast.against),
            )
        )
    return measured


def _values(trials: Sequence[Trial], contrast: Contrast, group: Group) -> Values:
    """First objectives of the group's complete trials, (n,)."""
    inside = (t for t in trials if t.complete and group.has(t.parameters[contrast.parameter]))
    return np.fromiter((trial.values[0] for trial in inside), float)


def _cut_short(trials: Sequence[Trial], contrast: Contrast, group: Group) -> Share:
    inside = [
        trial
        for trial in trials
        if (trial.complete or trial.cut_short) and group.has(trial.parameters[contrast.parameter])
    ]
    return Share(count=sum(trial.cut_short for trial in inside), of=len(inside))


def _resampled(random: np.random.Generator, values: Values) -> Values:
    """(RESAMPLES, n): as many values again, drawn with replacement."""
    # Half the time goes into drawing; 32 bits are drawn twice as fast as 64.
    rows = random.integers(0, values.size, (RESAMPLES, values.size), dtype=np.int32)
    return values.take(rows)


def _difference(group: Values, against: Values) -> tuple[Values, Values]:
    """Differences of means and their standard errors by row. group: (B, n), against: (B, m)."""
    (mean, error), (other_mean, other_error) = map(_moments, (group, against))
    return mean - other_mean, np.sqrt(error + other_error)


def _moments(values: Values) -> tuple[Values, Values]:
    """Means and their squared standard errors by row. values: (B, n), n at least 2."""
    n = values.shape[1]
    mean: Values = values.mean(axis=1)
    # In one pass; what cancels out of a row that hardly varies must not become negative.
    squares: Values = np.einsum("ij,ij->i", values, values) / n - mean**2
    return mean, np.maximum(squares, 0.0) / (n - 1)
