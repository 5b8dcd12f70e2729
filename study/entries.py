"""What the ledger writes of one trial, in Optuna's tables and in ours: an epoch, an attribute, its
end. Each works within the caller's transaction, which holds the trial's lease.

Knows nothing of who may write (see ledger.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from study.lease import Intermediate, Lease, Outcome
from study.statements import STATEMENTS


def write_epoch(
    tx: Connection,
    lease: Lease,
    epoch: int,
    intermediate: Intermediate | None,
    metrics: Mapping[str, float],
) -> None:
    """An epoch (from 0) and what it gives pruners, if anything."""
    trial = {"trial_id": lease.trial_id}
    if intermediate is not None:
        stored, kind = _stored(intermediate.value)
        tx.execute(
            STATEMENTS["intermediate_value"],
            {**trial, "step": intermediate.step, "value": stored, "type": kind},
        )
    finite = {name: number for name, number in metrics.items() if math.isfinite(number)}
    tx.execute(
        STATEMENTS["epoch"],
        {
            **trial,
            "epoch": epoch,
            "token": lease.token,
            "worker": lease.worker,
            "metrics": json.dumps(finite),
        },
    )
    tx.execute(STATEMENTS["progress"], {**trial, "epoch": epoch})


def write_attribute(tx: Connection, trial_id: int, key: str, content: Any) -> None:
    """An Optuna user attribute; content: what JSON can hold."""
    tx.execute(
        STATEMENTS["attribute"],
        {"trial_id": trial_id, "key": key, "value": json.dumps(content)},
    )


def write_system_attribute(tx: Connection, trial_id: int, key: str, content: str) -> None:
    """An Optuna system attribute."""
    stored = {"trial_id": trial_id, "key": key, "value": json.dumps(content)}
    tx.execute(STATEMENTS["system_attribute"], stored)


def write_end(
    tx: Connection,
    trial_id: int,
    outcome: Outcome,
    *,
    values: Sequence[float] = (),
    weights: str | None = None,
    attributes: Mapping[str, str | int | float] | None = None,
) -> None:
    """The trial's end. values: of each objective, or none; they are left out where one is NaN."""
    trial = {"trial_id": trial_id}
    for objective, value in enumerate(() if any(map(math.isnan, values)) else values):
        stored, kind = _stored(value)
        tx.execute(
            STATEMENTS["value"],
            {**trial, "objective": objective, "value": stored, "type": kind},
        )
    for key, content in {"outcome": outcome.value, **(attributes or {})}.items():
        write_attribute(tx, trial_id, key, content)
    tx.execute(STATEMENTS["end_trial"], {**trial, "state": outcome.state})
    tx.execute(STATEMENTS["end_lease"], {**trial, "outcome": outcome.value, "weights": weights})


def _stored(value: float) -> tuple[float | None, str]:
    """A value as Optuna's tables spell it: the number, or none and its kind."""
    if math.isnan(value):
        return None, "NAN"
    if math.isinf(value):
        return None, "INF_POS" if value > 0 else "INF_NEG"
    return value, "FINITE"
