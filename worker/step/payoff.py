"""Whether what makes a step quicker pays for itself within one trial: arithmetic, nothing measured.

Knows nothing of models and devices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TypeVar

Name = TypeVar("Name", bound=str)

MARGIN = 0.05  # by which something must win: medians of some rounds differ by less from noise alone
MEASURING = 0.05  # of one trial's steps is what measuring number formats may cost


def total_seconds(steps: int, step_seconds: float, compile_seconds: float = 0.0) -> float:
    """What the steps of one trial take."""
    return compile_seconds + steps * step_seconds


def pays(steps: int, plain: float, compiled: float, compile_seconds: float) -> bool:
    """Whether a trial that is compiled ends sooner, by the margin. plain, compiled: seconds of a
    step."""
    as_compiled = total_seconds(steps, compiled, compile_seconds)
    return as_compiled < (1 - MARGIN) * total_seconds(steps, plain)


def could_pay(steps: int, plain: float, at_best: float, compile_seconds: float) -> bool:
    """Whether it would if compiled steps were `at_best` times as quick: else it is not tried."""
    return pays(steps, plain, plain / at_best, compile_seconds)


def worth_measuring(steps: int, plain: float, measuring_seconds: float) -> bool:
    """Whether measuring is a small part of one trial."""
    return measuring_seconds <= MEASURING * total_seconds(steps, plain)


def quickest(default: Name, rounds: Mapping[Name, Sequence[float]]) -> Name:
    """The name with the lowest median of its seconds; the default where none wins by the margin.

    A median: one round beside a busy neighbour does not decide.
    """
    medians = {name: median(seconds) for name, seconds in rounds.items()}
    best = min(medians, key=medians.__getitem__)
    return best if medians[best] < (1 - MARGIN) * medians[default] else default
