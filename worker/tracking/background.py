"""Tells trackers from a thread: a slow one costs the trial nothing, a broken one is left out.

What a tracker raises is logged once and it is not asked again. Knows nothing of who they are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from worker.tracking.tracker import NewTracker, Pixels, TrackedTrial, Tracker, Values

END_SECONDS = 8.0  # for what is still to be told when the trial has ended

log = logging.getLogger(__name__)

Call = Callable[[Tracker], None]


class Background:
    """A tracker in a thread of its own, opened at the first thing told. Implements Tracker, and no
    method raises or waits but `end`, which waits for END_SECONDS at most."""

    def __init__(self, name: str, opened: NewTracker, trial: TrackedTrial) -> None:
        self._name = name
        self._open = opened
        self._trial = trial
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        self._tell(lambda tracker: tracker.scalars(epoch, values))

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None:
        """See Tracker."""
        self._tell(lambda tracker: tracker.histograms(epoch, values))

    def pictures(self, epoch: int, pixels: Pixels) -> None:
        """See Tracker."""
        self._tell(lambda tracker: tracker.pictures(epoch, pixels))

    def end(self, value: float | None) -> None:
        """See Tracker."""
        if self._thread is None:  # nothing was told
            return
        self._tell(lambda tracker: tracker.end(value))
        self._calls.put(None)
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            log.warning("%s: does not answer; the end of the trial is not told there", self._name)

    def _tell(self, call: Call) -> None:
        if self._thread is None:
            # a daemon: a tracker that hangs must not keep the process
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._calls.put(call)

    def _work(self) -> None:
        try:
            tracker = self._open(self._trial)
            while (call := self._calls.get()) is not None:
                call(tracker)
        except Exception as error:  # a service may raise anything
            log.warning("%s: left out from now on: %s: %s", self._name, type(error).__name__, error)
