"""What a study cost, and what pruning saved of it.

Knows nothing of how it is said (sections.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.report.evidence import Trial


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of all trials together."""

    device_seconds: float
    """While workers held trials."""
    busy_seconds: float
    """Wall-clock time in which at least one trial was open; pauses of the study do not count."""
    ended: int
    epochs: int
    """Reported by all trials."""
    saved_seconds: float | None
    """Device time that trials that were cut short would have taken to last as long as a complete
    one on average, each at its own speed. None where there is nothing to compare."""

    @property
    def trials_per_hour(self) -> float | None:
        """Ended trials in an hour of `busy_seconds`."""
        return self.ended * 3600 / self.busy_seconds if self.busy_seconds else None

    @property
    def saved_share(self) -> float | None:
        """Of the device time that the study would have taken without pruning."""
        if self.saved_seconds is None:
            return None
        whole = self.device_seconds + self.saved_seconds
        return self.saved_seconds / whole if whole else None


def cost(trials: Sequence[Trial]) -> Cost:
    """Adds up."""
    return Cost(
        device_seconds=sum(trial.device_seconds for trial in trials),
        busy_seconds=_busy(
            (t.begun, t.ended) for t in trials if t.begun and t.ended
        ).total_seconds(),
        ended=sum(trial.ended is not None for trial in trials),
        epochs=sum(trial.epochs for trial in trials),
        saved_seconds=_saved(trials),
    )


def _saved(trials: Sequence[Trial]) -> float | None:
    lengths = [trial.epochs for trial in trials if trial.complete]
    short = [trial for trial in trials if trial.cut_short and trial.epochs and trial.device_seconds]
    if not lengths or not short:
        return None
    whole = sum(lengths) / len(lengths)
    return sum(
        max(0.0, whole - trial.epochs) * trial.device_seconds / trial.epochs for trial in short
    )


def _busy(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """The time that the spans cover together."""
    covered, until = timedelta(), datetime.min
    for begun, ended in sorted(spans):
        covered += max(timedelta(), ended - max(begun, until))
        until = max(until, ended)
    return covered
