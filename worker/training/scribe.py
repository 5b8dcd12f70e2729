"""Writes down what an epoch gave and tells it, in a thread, while the next epoch is trained.

Told is only what is durable, and one epoch is settled before the next one is measured: whatever
ends a trial, its numbers are those of a trial that waited after every epoch. Knows nothing of how
an epoch is trained.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from study.config.records import StudyConfig
from worker.training.checkpoint import Checkpoints
from worker.training.epoch import Overseer
from worker.training.progress import Best, Progress


class Pruned(Exception):  # noqa: N818 - not an error
    """The last epoch told was the trial's last."""


class Scribe:
    """Used by the thread that trains, which leaves checkpoints and the overseer's results to it
    until all is settled. A context: what was begun is settled when it ends, before an error is
    heard of. Its own thread computes nothing of torch: that would have settings, and a pool of
    threads, of its own."""

    def __init__(
        self,
        progress: Progress,
        config: StudyConfig,
        checkpoints: Checkpoints,
        overseer: Overseer,
    ) -> None:
        """progress: of the fit; learns the file of its best weights when an epoch is settled."""
        self._progress = progress
        self._config = config
        self._checkpoints = checkpoints
        self._overseer = overseer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._told: Future[Best | None] | None = None

    def tell(self) -> None:
        """Tells the last epoch of a checkpoint that was restored, and waits for the answer. Raises
        as `settle`."""
        if self._progress.last is not None:
            self._tell(self._progress)
            self._hear()

    def record(self, learner: dict[str, Any], best: dict[str, Any] | None) -> None:
        """Writes a checkpoint and tells the epoch that was closed. Returns at once, or settled
        where no epoch of the same fold follows or the trial is likely to be held up here.

        learner: its state, which nobody changes any more; best: as Checkpoints.save takes it.
        Raises as `settle`.
        """
        assert self._told is None  # settled
        if not self._progress.in_fold or self._is_awaited(self._progress):
            self._record(self._progress, learner, best)
            self._hear()
            return
        # its lists of the epoch in hand, empty now, are filled while this is written
        closed = replace(self._progress, logits=[], labels=[])
        self._told = self._thread.submit(self._record, closed, learner, best)

    def settle(self) -> None:
        """Waits until all is told and answered. Raises Pruned, StopRequested, and what writing
        and telling raise: OSError (a full disk), ObjectStoreAway."""
        if self._told is not None:
            told, self._told = self._told, None
            self._progress.best = told.result()
            self._hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.settle()
        finally:
            self._thread.shutdown()

    def _record(
        self, progress: Progress, learner: dict[str, Any], best: dict[str, Any] | None
    ) -> Best | None:
        self._checkpoints.save(progress, learner, best)
        self._tell(progress)
        return progress.best

    def _tell(self, progress: Progress) -> None:
        assert progress.last is not None
        assert self._checkpoints.latest is not None
        # Optuna reads none of trials with two objectives
        second = self._config.search.second
        intermediate = None if second else progress.intermediate(self._config)
        self._overseer.epoch_done(progress.last, self._checkpoints.latest, intermediate)
        self._checkpoints.collect()  # while the answer is on its way

    def _hear(self) -> None:
        if not self._overseer.may_go_on():
            raise Pruned

    def _is_awaited(self, progress: Progress) -> bool:
        """On a rung most trials are paused; details are looked for in the model as it is now."""
        compared = progress.intermediate(self._config)
        on_rung = compared is not None and compared.rung is not None
        return on_rung or bool(self._config.tracking.details)
