"""The trial's end of what the loop says and asks: the supervisor hears results and answers,
trackers are told.

Knows nothing of training.
"""

from __future__ import annotations

import time

from study.lease import Intermediate
from worker.messages import EpochDone, FirstStep, Trained
from worker.mirrored import MirroredDirectory
from worker.orders import Orders
from worker.tracking.narrator import Narrator
from worker.training.epoch import StopRequested
from worker.training.progress import EpochResult


class PipeOverseer:
    """Passes what the loop says on to the supervisor."""

    def __init__(
        self,
        orders: Orders,
        narrator: Narrator,
        last_epoch: int | None,
        directory: MirroredDirectory,
    ) -> None:
        """last_epoch: results up to it are known and not sent again."""
        self.last_step_at: float | None = None
        self._orders = orders
        self._narrator = narrator
        self._directory = directory
        self._last_epoch = -1 if last_epoch is None else last_epoch
        self._asked = False

    def stop_requested(self) -> bool:
        """Whether the supervisor wants the trial to leave, or has said that it is pruned."""
        return self._orders.stop_requested()

    def step_done(self) -> None:
        """Says so after the first; on a GPU it may still be computing."""
        now = time.monotonic()
        if self.last_step_at is None:
            self._orders.send(FirstStep(now))
        self.last_step_at = now

    def trained(self, value: float) -> None:
        """Lets the next trial begin while this one is written."""
        self._orders.send(Trained(value=value, last_step_at=self.last_step_at))

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> None:
        """Sends the result, once others can go on from it. Raises OSError, ObjectStoreAway."""
        self._directory.keep()
        self._asked = result.epoch > self._last_epoch
        if not self._asked:
            return
        self._narrator.epoch(result.epoch, result.metrics)
        self._orders.send(
            EpochDone(
                epoch=result.epoch,
                value=result.value,
                intermediate=intermediate,
                metrics=result.metrics,
                checkpoint=checkpoint,
            )
        )

    def may_go_on(self) -> bool:
        """The supervisor's verdict; what is known to the ledger went on. Raises StopRequested."""
        if not self._asked:
            return True
        verdict = self._orders.may_continue()
        if verdict is None:
            raise StopRequested
        return verdict
