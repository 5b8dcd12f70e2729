"""The ledger: gives out trials under leases and takes their results, each exactly once.

Every method is one transaction over Optuna's tables and our own, so it happens or it does not; all
may be repeated after a lost connection. Safe to call from several threads. Methods that take a
lease raise LeaseLost when another worker holds the trial by now: drop it without writing. All raise
sqlalchemy.exc.OperationalError during an outage (study.database.is_outage).

Knows nothing of which trial a claim is given (see claims.py), of parameters and sampling (see
sampling.py) nor of training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Engine

from study.claims import Claims
from study.entries import write_attribute, write_end, write_epoch, write_system_attribute
from study.errors import LeaseLost, StudyNotFound
from study.halving import PAUSED, Halving, Ladder
from study.lease import Budget, Intermediate, Lease, NoTrial, Outcome, Reported
from study.statements import STATEMENTS


class Ledger:
    """One study's ledger, as one worker sees it."""

    def __init__(
        self, engine: Engine, study_id: int, worker: str, halving: Halving | None = None
    ) -> None:
        """`halving` is the study's, None where its trials are never paused."""
        self._engine = engine
        self._study_id = study_id
        self._worker = worker
        self._ladder = None if halving is None else Ladder(study_id, halving)
        self._claims = Claims(study_id, worker, self._ladder)
        self._reachable_since = -math.inf  # monotonic seconds

    def outage_over(self) -> None:
        """Says that the database could not be reached until now: for the time of one lease this
        worker takes no trial for expired, because its holder was probably cut off as well."""
        self._reachable_since = time.monotonic()

    def claim(self, holding: Collection[int] = ()) -> Lease | NoTrial:
        """Takes the next trial: one to adopt, else a paused one to promote, else one that waits,
        else a new one.

        `holding` are the trial ids this worker trains at the moment. A trial whose holders were
        lost `max_attempts` times in a row is ended as failed on the way, and when nothing else is
        left to do, those that are still paused are ended as pruned.
        """
        with self._engine.begin() as tx:
            tx.execute(STATEMENTS["lock_study"], {"study_id": self._study_id})
            budget = self._budget(tx)
            if budget.stopped:
                return NoTrial.STOPPED
            tx.execute(STATEMENTS["settle"], {"study_id": self._study_id})
            reachable = min(time.monotonic() - self._reachable_since, 1e9)
            lease = self._claims.next(tx, budget, holding, reachable_seconds=reachable)
            if lease is None and self._budget(tx).open:
                return NoTrial.WAIT
            lease = lease or self._claims.last(tx, budget)
            if lease is None:
                return NoTrial.DONE
            write_attribute(tx, lease.trial_id, "worker", self._worker)
            return lease

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
    ) -> Reported:
        """Records an epoch (from 0) and what it gives pruners, if anything. A trial that has
        reached a rung may be paused with it."""
        with self._engine.begin() as tx:
            if intermediate is not None and intermediate.rung is not None:
                # first of all, as claims do: in another order two of them could wait for each other
                tx.execute(STATEMENTS["lock_study"], {"study_id": self._study_id})
            self._hold(tx, lease)
            write_epoch(tx, lease, epoch, intermediate, metrics)
            budget = self._budget(tx)
            if budget.time_spent or self._goes_on(tx, lease, intermediate):
                return Reported(budget, paused=False)
            write_attribute(tx, lease.trial_id, PAUSED, epoch + 1)
            return Reported(budget, paused=True)

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
                write_system_attribute(tx, lease.trial_id, key, content)
            values = [one for one in (value, second) if one is not None]
            write_end(
                tx, lease.trial_id, outcome, values=values, weights=weights, attributes=attributes
            )

    def release(self, lease: Lease, *, lost: bool = False, out_of_memory: bool = False) -> None:
        """Gives the trial back for the next free worker to adopt. `lost`: its process died, which
        counts as an attempt; `out_of_memory`: it is to be tried in smaller parts."""
        with self._engine.begin() as tx:
            if self._already_ended(tx, lease):
                return
            self._hold(tx, lease)
            why = {"lost": int(lost), "out_of_memory": int(out_of_memory)}
            tx.execute(STATEMENTS["release"], {"trial_id": lease.trial_id, **why})

    def rest(self, lease: Lease, *, value: float | None, weights: str | None) -> None:
        """Lets a paused trial go. `value` and `weights` of its best epoch are what it ends with if
        it is never promoted; where they are not told, it has the value of its rung."""
        with self._engine.begin() as tx:
            if self._already_ended(tx, lease):
                return
            self._hold(tx, lease)
            told = {"trial_id": lease.trial_id, "best": value, "weights": weights}
            tx.execute(STATEMENTS["rest"], told)

    def never_promoted(self) -> dict[int, str | None]:
        """Numbers of the trials that ended while they were paused, with their weights."""
        with self._engine.begin() as tx:
            rows = tx.execute(STATEMENTS["never_promoted"], {"study_id": self._study_id})
            return {row.number: row.weights for row in rows}

    def expire(self, worker: str) -> int:
        """Says that `worker` is known to be dead; its trials can be adopted at once. Gives their
        number."""
        with self._engine.begin() as tx:
            expired = tx.execute(
                STATEMENTS["expire"], {"study_id": self._study_id, "worker": worker}
            )
            return expired.rowcount

    def conclude(self, reason: str) -> None:
        """Ends the study as if its budget was spent: what runs is trained to its end, nothing else
        begins. The first reason stays."""
        with self._engine.begin() as tx:
            told = {"study_id": self._study_id, "reason": reason}
            tx.execute(STATEMENTS["conclude"], told)

    def budget(self) -> Budget:
        """What the study may use and has used."""
        with self._engine.begin() as tx:
            return self._budget(tx)

    def _budget(self, tx: Connection) -> Budget:
        row = tx.execute(STATEMENTS["budget"], {"study_id": self._study_id}).one_or_none()
        if row is None:
            raise StudyNotFound("the study was deleted from the database")
        return Budget.from_row(row)

    def _goes_on(self, tx: Connection, lease: Lease, reached: Intermediate | None) -> bool:
        if self._ladder is None or reached is None or reached.rung is None:
            return True
        return self._ladder.reach(tx, lease.trial_id, reached.rung, reached.value)

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
