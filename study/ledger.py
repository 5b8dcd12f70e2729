"""The ledger: gives out trials under leases and takes their results, each exactly once.

Every method is one transaction over Optuna's tables and our own, so it happens or it does not; all
may be repeated after a lost connection. Safe to call from several threads. Methods that take a
lease raise LeaseLost when another worker holds the trial by now: drop it without writing. All raise
sqlalchemy.exc.OperationalError during an outage (study.database.is_outage).

Knows nothing of parameters and sampling (see sampling.py) nor of training.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from study.errors import LeaseLost, StudyNotFound
from study.lease import Budget, Intermediate, Lease, NoTrial, Outcome
from study.statements import STATEMENTS


class Ledger:
    """One study's ledger, as one worker sees it."""

    def __init__(self, engine: Engine, study_id: int, worker: str) -> None:
        self._engine = engine
        self._study_id = study_id
        self._worker = worker
        self._reachable_since = -math.inf  # monotonic seconds

    def outage_over(self) -> None:
        """Says that the database could not be reached until now: for the time of one lease this
        worker takes no trial for expired, because its holder was probably cut off as well."""
        self._reachable_since = time.monotonic()

    def claim(self, holding: Collection[int] = ()) -> Lease | NoTrial:
        """Takes the next trial: one to adopt, else one that waits, else a new one.

        `holding` are the trial ids this worker trains at the moment. A trial whose holders were
        lost `max_attempts` times in a row is ended as failed on the way.
        """
        with self._engine.begin() as tx:
            tx.execute(STATEMENTS["lock_study"], {"study_id": self._study_id})
            budget = self._budget(tx)
            if budget.stopped:
                return NoTrial.STOPPED
            tx.execute(STATEMENTS["settle"], {"study_id": self._study_id})
            lease = self._adopt(tx, budget, holding)
            if lease is None and not budget.spent:
                lease = self._begin(tx)
            if lease is not None:
                self._attribute(tx, lease.trial_id, "worker", self._worker)
                return lease
            return NoTrial.WAIT if self._budget(tx).open else NoTrial.DONE

    def heartbeat(self, lease: Lease, seconds: float) -> None:
        """Keeps the lease alive and books `seconds` of device time on the trial."""
        with self._engine.begin() as tx:
            beaten = tx.execute(
                STATEMENTS["heartbeat"],
                {"trial_id": lease.trial_id, "token": lease.token, "seconds": seconds},
            )
            if beaten.rowcount == 0:
                raise LeaseLost(f"trial {lease.number}: the lease of {lease.worker} is over")

    def report(
        self,
        lease: Lease,
        *,
        epoch: int,
        intermediate: Intermediate | None,
        metrics: Mapping[str, float],
    ) -> Budget:
        """Records an epoch (from 0) and what it gives pruners, if anything."""
        with self._engine.begin() as tx:
            self._hold(tx, lease)
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
            return self._budget(tx)

    def finish(
        self,
        lease: Lease,
        outcome: Outcome,
        *,
        value: float | None = None,
        second: float | None = None,
        weights: str | None = None,
        attributes: Mapping[str, str | int | float] | None = None,
        system_attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Ends the trial. `value` is its objective, `second` the other one where there are two,
        `weights` the file of its best epoch; `attributes` become Optuna user attributes and
        `system_attributes` what their name says. Nothing can be added later: Optuna reads an ended
        trial once."""
        with self._engine.begin() as tx:
            if self._already_ended(tx, lease):
                return
            self._hold(tx, lease)
            for key, content in (system_attributes or {}).items():
                stored = {"trial_id": lease.trial_id, "key": key, "value": json.dumps(content)}
                tx.execute(STATEMENTS["system_attribute"], stored)
            values = [one for one in (value, second) if one is not None]
            self._end(tx, lease.trial_id, outcome, values, weights, attributes or {})

    def release(self, lease: Lease, *, lost: bool = False, out_of_memory: bool = False) -> None:
        """Gives the trial back for the next free worker to adopt. `lost`: its process died, which
        counts as an attempt; `out_of_memory`: it is to be tried in smaller parts."""
        with self._engine.begin() as tx:
            if self._already_ended(tx, lease):
                return
            self._hold(tx, lease)
            tx.execute(
                STATEMENTS["release"],
                {
                    "trial_id": lease.trial_id,
                    "lost": int(lost),
                    "out_of_memory": int(out_of_memory),
                },
            )

    def expire(self, worker: str) -> int:
        """Says that `worker` is known to be dead; its trials can be adopted at once. Gives their
        number."""
        with self._engine.begin() as tx:
            expired = tx.execute(
                STATEMENTS["expire"], {"study_id": self._study_id, "worker": worker}
            )
            return expired.rowcount

    def budget(self) -> Budget:
        """What the study may use and has used."""
        with self._engine.begin() as tx:
            return self._budget(tx)

    def _budget(self, tx: Connection) -> Budget:
        row = tx.execute(STATEMENTS["budget"], {"study_id": self._study_id}).one_or_none()
        if row is None:
            raise StudyNotFound("the study was deleted from the database")
        return Budget.from_row(row)

    def _adopt(self, tx: Connection, budget: Budget, holding: Collection[int]) -> Lease | None:
        candidates = tx.execute(
            STATEMENTS["adoptable"],
            {
                "study_id": self._study_id,
                "worker": self._worker,
                "holding": list(holding),
                "lease_seconds": budget.lease_seconds,
                "reachable_seconds": min(time.monotonic() - self._reachable_since, 1e9),
            },
        ).all()
        for row in candidates:
            attempts = row.attempts + (1 if row.lost else 0)
            if attempts >= budget.max_attempts:
                reason = f"{attempts} attempts in a row ended without an epoch of progress"
                attributes = {"reason": f"{reason}, the last one on {row.worker}"}
                self._end(tx, row.trial_id, Outcome.FAILED, (), None, attributes)
                continue
            token = tx.execute(
                STATEMENTS["adopt"],
                {"trial_id": row.trial_id, "worker": self._worker, "attempts": attempts},
            ).scalar_one()
            return Lease(
                trial_id=row.trial_id,
                number=row.number,
                token=token,
                worker=self._worker,
                last_epoch=row.last_epoch,
                attempts=attempts,
                memory_retries=row.memory_retries,
                adopted_from=row.worker,
            )
        return None

    def _begin(self, tx: Connection) -> Lease:
        study = {"study_id": self._study_id}
        row = tx.execute(STATEMENTS["waiting"], study).one_or_none()
        if row is not None:
            tx.execute(STATEMENTS["begin_waiting"], {"trial_id": row.trial_id})
        else:
            row = tx.execute(STATEMENTS["begin_new"], study).one()
        parameters = {**study, "trial_id": row.trial_id, "worker": self._worker}
        token = tx.execute(STATEMENTS["lease"], parameters).scalar_one()
        return Lease(trial_id=row.trial_id, number=row.number, token=token, worker=self._worker)

    def _hold(self, tx: Connection, lease: Lease) -> None:
        held = tx.execute(
            STATEMENTS["hold"], {"trial_id": lease.trial_id, "token": lease.token}
        ).one_or_none()
        if held is None:
            raise LeaseLost(f"trial {lease.number}: the lease of {lease.worker} is over")

    def _already_ended(self, tx: Connection, lease: Lease) -> bool:
        ended = tx.execute(
            STATEMENTS["ended_by"], {"trial_id": lease.trial_id, "token": lease.token}
        )
        return ended.first() is not None

    def _end(
        self,
        tx: Connection,
        trial_id: int,
        outcome: Outcome,
        values: Sequence[float],
        weights: str | None,
        attributes: Mapping[str, str | int | float],
    ) -> None:
        trial = {"trial_id": trial_id}
        for objective, value in enumerate(() if any(map(math.isnan, values)) else values):
            stored, kind = _stored(value)
            tx.execute(
                STATEMENTS["value"],
                {**trial, "objective": objective, "value": stored, "type": kind},
            )
        for key, content in {"outcome": outcome.value, **attributes}.items():
            self._attribute(tx, trial_id, key, content)
        tx.execute(STATEMENTS["end_trial"], {**trial, "state": outcome.state})
        tx.execute(STATEMENTS["end_lease"], {**trial, "outcome": outcome.value, "weights": weights})

    def _attribute(self, tx: Connection, trial_id: int, key: str, content: Any) -> None:
        tx.execute(
            STATEMENTS["attribute"],
            {"trial_id": trial_id, "key": key, "value": json.dumps(content)},
        )


def _stored(value: float) -> tuple[float | None, str]:
    """A value as Optuna's tables spell it: the number, or none and its kind."""
    if math.isnan(value):
        return None, "NAN"
    if math.isinf(value):
        return None, "INF_POS" if value > 0 else "INF_NEG"
    return value, "FINITE"
