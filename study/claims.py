"""Which trial a worker that claims one is given: the order, and the lease it is held by.

Everything here is part of the ledger's transaction, with the study's row locked. Knows nothing of
what a worker does with a trial, nor of when a study is done (see ledger.py).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from study.entries import write_end
from study.halving import Ladder
from study.lease import Budget, Lease, Outcome
from study.statements import STATEMENTS


class Claims:
    """One worker's claims to the trials of one study."""

    def __init__(self, study_id: int, worker: str, ladder: Ladder | None) -> None:
        """`ladder` is where trials are paused; None where they never are."""
        self._study_id = study_id
        self._worker = worker
        self._ladder = ladder

    def next(
        self,
        tx: Connection,
        budget: Budget,
        holding: Collection[int],
        *,
        reachable_seconds: float,
    ) -> Lease | None:
        """A trial to adopt, else a paused one to promote, else one that waits, else a new one; the
        last two where the budget has room.

        `holding` are trials of this worker, not to be adopted. reachable_seconds: since the
        database could not be reached; no lease is taken for expired before one lease time.
        """
        lease = self._adopt(tx, budget, holding, reachable_seconds) or self._promote(tx, budget)
        if lease is None and not budget.spent:
            lease = self._begin(tx)
        return lease

    def last(self, tx: Connection, budget: Budget) -> Lease | None:
        """Where `next` gives none and nobody trains: the best one that is paused, if no trial is
        complete and the budget is not closed; else those that are paused are ended."""
        if self._ladder is None:
            return None
        row = None if budget.closed else self._ladder.promote_leader(tx)
        if row is not None:
            return self._take(tx, row, row.attempts, promoted=True)
        self._ladder.end(tx)
        return None

    def _adopt(
        self, tx: Connection, budget: Budget, holding: Collection[int], reachable_seconds: float
    ) -> Lease | None:
        candidates = tx.execute(
            STATEMENTS["adoptable"],
            {
                "study_id": self._study_id,
                "worker": self._worker,
                "holding": list(holding),
                "lease_seconds": budget.lease_seconds,
                "reachable_seconds": reachable_seconds,
            },
        ).all()
        for row in candidates:
            attempts = row.attempts + (1 if row.lost else 0)
            if attempts >= budget.max_attempts:
                reason = f"{attempts} attempts in a row ended without an epoch of progress"
                attributes = {"reason": f"{reason}, the last one on {row.worker}"}
                write_end(tx, row.trial_id, Outcome.FAILED, attributes=attributes)
                continue
            return self._take(tx, row, attempts)
        return None

    def _promote(self, tx: Connection, budget: Budget) -> Lease | None:
        if self._ladder is None or budget.closed:
            return None
        row = self._ladder.promote(tx)
        return None if row is None else self._take(tx, row, row.attempts, promoted=True)

    def _take(self, tx: Connection, row: Any, attempts: int, *, promoted: bool = False) -> Lease:
        """Makes a trial that was another's, or this worker's before, this worker's."""
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
            promoted=promoted,
        )

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
