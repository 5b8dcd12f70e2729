"""Which groups of trials are compared to say what a parameter did.

    two values                      one against the other
    three or more named values,
    or up to four different numbers each value against all others
    more numbers                    the highest quarter against the lowest, and the middle half
                                    against both: what rises, and what has its best in between

Quarters are those of the complete trials, so both sides of a comparison have trials. Knows nothing
of what the trials are worth (effects.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from study.config.parameters import Scalar

Value = Scalar | None

FEW = 4  # different numbers that are compared one by one
OTHERS = "the others"


@dataclass(frozen=True, kw_only=True)
class Group:
    """The trials with certain values of a parameter."""

    label: str
    """For example `on`, `64`, `0.001 to 0.003`."""
    has: Callable[[Value], bool]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Two groups that differ in one parameter. Trials without it belong to neither."""

    parameter: str
    group: Group
    against: Group
    swappable: bool
    """Whether the groups are of the same kind, so that the better one can be named first."""

    def swapped(self) -> Contrast:
        """The same comparison the other way round."""
        return Contrast(
            parameter=self.parameter, group=self.against, against=self.group, swappable=True
        )


def contrasts(parameter: str, values: Sequence[Value]) -> list[Contrast]:
    """The comparisons of one parameter.

    values: those of the complete trials that have it.
    """
    distinct = sorted(set(values), key=_order)
    if len(distinct) < 2:
        return []
    if len(distinct) == 2:
        first, second = map(_one, distinct)
        return [Contrast(parameter=parameter, group=second, against=first, swappable=True)]
    if len(distinct) <= FEW or not all(map(_is_number, distinct)):
        return [
            Contrast(parameter=parameter, group=_one(value), against=_other(value), swappable=False)
            for value in distinct
        ]
    return list(_of_numbers(parameter, [float(value) for value in values if _is_number(value)]))


def shown(value: Value) -> str:
    """A value as a person reads it: `on`, `none`, `0.0031`, `adamw`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _of_numbers(parameter: str, numbers: Iterable[float]) -> Iterator[Contrast]:
    ordered = np.sort(np.fromiter(numbers, float))
    # A quarter's bound is a value that was tried, so that labels name values that were tried.
    low = float(np.quantile(ordered, 0.25, method="lower"))
    high = float(np.quantile(ordered, 0.75, method="higher"))
    if low == high:  # more than half of all trials have one value
        return
    lowest = _between(float(ordered[0]), low)
    highest = _between(high, float(ordered[-1]))
    yield Contrast(parameter=parameter, group=highest, against=lowest, swappable=True)
    inner = ordered[(ordered > low) & (ordered < high)]
    if inner.size:
        middle = _between(float(inner[0]), float(inner[-1]))
        outer = Group(label="below and above", has=_outside(low, high))
        yield Contrast(parameter=parameter, group=middle, against=outer, swappable=False)


def _one(value: Value) -> Group:
    return Group(label=shown(value), has=lambda other: other == value)


def _other(value: Value) -> Group:
    return Group(label=OTHERS, has=lambda other: other != value)


def _between(low: float, high: float) -> Group:
    label = shown(low) if low == high else f"{shown(low)} to {shown(high)}"
    return Group(label=label, has=lambda value: _is_number(value) and low <= value <= high)


def _outside(low: float, high: float) -> Callable[[Value], bool]:
    return lambda value: _is_number(value) and (value <= low or value >= high)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _order(value: Value) -> tuple[int, float, str]:
    """Numbers by size, then names."""
    if isinstance(value, bool | int | float):
        return (0, float(value), "")
    return (1, 0.0, str(value))
