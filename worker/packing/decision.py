"""How many trials at once are best, from what was measured of one, two, three and so on.

One more is tried while memory leaves room for it and it brings enough. Knows nothing of how figures
are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

GROWTH = 1.1  # times the pictures a second: one more that brings less delays every trial for little
MARGIN = 1.25  # times the largest peak, free, for one more: other trials are larger than the middle


class Figures(BaseModel):
    """What so many trials at once did."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    trials: int = Field(ge=1)
    images_per_second: float = Field(default=0.0, ge=0.0)
    """Of all of them."""
    peak_bytes: int = Field(default=0, ge=0)
    """Memory of the one that took most."""
    free_bytes: int = Field(default=0, ge=0)
    """What was left while all held theirs."""
    failure: str = ""
    """Why they could not be measured."""

    def __str__(self) -> str:
        if self.failure:
            return f"{self.trials} at once: {self.failure}"
        return (
            f"{self.trials} at once: {self.images_per_second:,.0f} pictures/s, "
            f"{self.peak_bytes / 2**30:.2f} GiB each, {self.free_bytes / 2**30:.1f} GiB free"
        )


@dataclass(frozen=True)
class Decision:
    """So many, so far."""

    slots: int
    reason: str | None
    """Why it stays so; None: one more is to be measured."""


def decide(measured: Sequence[Figures], *, most: int) -> Decision:
    """measured: of one trial, two and so on, without a gap; none where nothing is measured yet.
    most: what the device has a use for. Once there is a reason, more figures change nothing."""
    if most == 1:
        return Decision(1, _use(most))
    best: Figures | None = None
    for figures in measured:
        if reason := _worse(figures, best):
            return Decision(best.trials if best else 1, reason)
        if reason := _full(figures, most):
            return Decision(figures.trials, reason)
        best = figures
    return Decision(best.trials if best else 1, None)


def _worse(figures: Figures, best: Figures | None) -> str | None:
    """Why these are one too many."""
    if figures.failure:
        return f"{figures.trials} at once: {figures.failure}"
    if best is None or figures.images_per_second >= GROWTH * best.images_per_second:
        return None
    ratio = figures.images_per_second / best.images_per_second
    return f"{figures.trials} at once bring {ratio:.2f} times the pictures/s of {best.trials}"


def _full(figures: Figures, most: int) -> str | None:
    """Why one more is not tried."""
    if figures.trials >= most:
        return _use(most)
    needed = MARGIN * figures.peak_bytes
    if figures.free_bytes < needed:
        return (
            f"one more would need {needed / 2**30:.2f} GiB, "
            f"{figures.free_bytes / 2**30:.2f} GiB are free"
        )
    return None


def _use(most: int) -> str:
    return f"the device has a use for no more than {most}"
