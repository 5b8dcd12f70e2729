"""Things that are compared take turns, round by round, so that what else a machine does meets all.

Besides the clock it reads the processor's time, of this process and of those it started: where
others use the same cores, it says what something costs when the clock cannot. Knows nothing of
what is measured.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

LOOK_SECONDS = 0.1  # between two looks at the processor's time
SETTLE_SECONDS = 10.0  # of looking at most: something may go on for ever


@dataclass(frozen=True)
class Round:
    """One turn of one thing."""

    amount: int
    """What was done: pictures, steps."""
    seconds: float
    processor_seconds: float

    @property
    def rate(self) -> float:
        """Amount a second."""
        return self.amount / self.seconds

    @property
    def cost(self) -> float:
        """Milliseconds of processor time for each."""
        return 1000 * self.processor_seconds / self.amount


Turn = Callable[[int], int]
"""Does the round of a number, from 0, and gives the amount that was done."""


def in_turns(turns: Mapping[str, Turn], rounds: int) -> dict[str, tuple[Round, ...]]:
    """Rounds of each, by name; one round before them, numbered 0, starts processes and warms caches
    and does not count."""
    done: dict[str, list[Round]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, turn in turns.items():
            settle()
            measured = timed(lambda turn=turn, number=number: turn(number))  # type: ignore[misc]
            if number:
                done[name].append(measured)
    return {name: tuple(measured) for name, measured in done.items()}


def timed(turn: Callable[[], int]) -> Round:
    """One round. To look at other processes takes time itself, which is outside of it."""
    children = children_seconds()
    own, began = time.process_time(), time.perf_counter()
    amount = turn()
    seconds, own = time.perf_counter() - began, time.process_time() - own
    return Round(amount, seconds, own + children_seconds() - children)


def settle() -> None:
    """Waits until nothing goes on that an earlier turn has begun, as batches that are read ahead:
    the next one would pay for it."""
    deadline, before = time.monotonic() + SETTLE_SECONDS, -math.inf
    while (now := time.process_time() + children_seconds()) > before + LOOK_SECONDS / 2:
        before = now
        if time.monotonic() > deadline:
            return
        time.sleep(LOOK_SECONDS)


def children_seconds() -> float:
    """Processor time of the processes this one started: those it waited for and those that run."""
    times = psutil.Process().cpu_times()
    total = times.children_user + times.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            its = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += its.user + its.system
    return float(total)
