"""One trial's account at the ledger: its epochs, its device time, and how it left this worker.

Waits out outages. Knows nothing of the trial's process (see slot.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from study.lease import Lease, Outcome, Reported
from study.sampling import should_prune
from worker.desk import Desk
from worker.failures import GiveBack
from worker.messages import EpochDone, Interrupted

log = logging.getLogger(__name__)


class Account:
    """Of a lease that is held until the account is closed: by `end`, `release`, `rest` or `drop`.
    All but `drop` raise LeaseLost where another worker has the trial by now."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        """The heart beats for `lease` from now on."""
        self.lease = lease
        self.desk = desk
        self.attributes: dict[str, str | int | float] = {}
        """What the trial is left with when it ends."""
        self._unbooked = 0.0  # device seconds
        desk.heart.hold(lease)

    def report(self, done: EpochDone) -> Reported:
        """Writes an epoch."""
        return self.desk.patience(
            lambda: self.desk.ledger.report(
                self.lease, epoch=done.epoch, intermediate=done.intermediate, metrics=done.metrics
            )
        )

    def should_prune(self) -> bool:
        """Whether the study's pruner would end the trial after the epoch reported last."""
        return self.desk.patience(lambda: should_prune(self.desk.optuna_study, self.lease.trial_id))

    def leave_device(self) -> None:
        """Counts no more device time."""
        self._unbooked = self.desk.heart.rest(self.lease)

    def end(
        self,
        outcome: Outcome,
        *,
        value: float | None = None,
        second: float | None = None,
        weights: str | None = None,
        attached: Mapping[str, str] | None = None,
    ) -> None:
        """The trial is over."""
        self._book()
        self.desk.patience(
            lambda: self.desk.ledger.finish(
                self.lease,
                outcome,
                value=value,
                second=second,
                weights=weights,
                attributes=self.attributes,
                system_attributes=attached,
            )
        )
        shown = "" if value is None else f", value {value:.4f}"
        log.info("trial %d: %s%s", self.lease.number, outcome.value, shown)

    def release(self, verdict: GiveBack) -> None:
        """The trial is to be adopted."""
        log.warning("trial %d: given back: %s", self.lease.number, verdict.reason)
        self._book()
        self.desk.patience(
            lambda: self.desk.ledger.release(
                self.lease, lost=verdict.lost, out_of_memory=verdict.out_of_memory
            )
        )

    def rest(self, interrupted: Interrupted) -> None:
        """The trial is paused, and may be another's by now."""
        log.info("trial %d: paused", self.lease.number)
        self._book()
        value, weights = interrupted.value, interrupted.weights
        self.desk.patience(lambda: self.desk.ledger.rest(self.lease, value=value, weights=weights))

    def drop(self, reason: object) -> None:
        """The trial is another worker's: nothing is written."""
        log.warning("trial %d: dropped: %s", self.lease.number, reason)
        self.desk.heart.drop(self.lease)

    def _book(self) -> None:
        """Books the device time since the last heartbeat, which was the last one."""
        seconds = self._unbooked + self.desk.heart.drop(self.lease)
        self.desk.patience(lambda: self.desk.ledger.heartbeat(self.lease, seconds))
