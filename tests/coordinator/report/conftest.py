"""Trials as records, without a database."""

from __future__ import annotations

from datetime import datetime, timedelta

from coordinator.report.evidence import Trial
from study.config.parameters import Scalar

NOON = datetime(2026, 1, 1, 12)


def made(
    number: int,
    value: float | None,
    parameters: dict[str, Scalar | None] | None = None,
    *,
    outcome: str = "complete",
    curve: tuple[float, ...] = (),
    begun: float = 0.0,
    seconds: float = 60.0,
) -> Trial:
    """A trial that ended. begun: seconds after noon; seconds: it took, on one device."""
    return Trial(
        number=number,
        outcome=outcome,
        values=() if value is None else (value,),
        parameters=parameters or {},
        curve=tuple(enumerate(curve)),
        epochs=len(curve),
        begun=NOON + timedelta(seconds=begun),
        ended=NOON + timedelta(seconds=begun + seconds),
        device_seconds=seconds,
    )
