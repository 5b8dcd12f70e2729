"""A worker's way out: who asked it to leave, what its exit status will be, and how long its trials
have to checkpoint.

Knows nothing of why a worker leaves by itself (see supervisor.py).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Collection

from study import exit_codes
from worker.messages import Stop
from worker.trial_processes import TrialProcess

STOP_GRACE = 20.0  # seconds a trial has to checkpoint when the worker is told to leave
FAREWELL = 5.0  # seconds, the same when the database is gone too

log = logging.getLogger(__name__)


class Leaving:
    """Decided once: the first reason counts. Use from the main thread, which gets the signals."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        """Set when the worker is to go, whatever its trials do."""
        self.status: int | None = None
        """Exit status; None: the worker stays. Given without `begun` where it only takes no more
        trials."""
        self.reason = ""
        """Why, where no signal and no end of the study was the cause."""
        self._stop_sent_at: float | None = None  # monotonic seconds
        self.wake_read, self._wake_write = os.pipe()

    def listen(self) -> None:
        """SIGTERM and SIGINT begin it from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def begin(self, status: int, reason: str) -> None:
        """Leaves with `status` once the trials have checkpointed."""
        if not self.begun.is_set():
            log.warning("leaving: %s", reason)
            self.reason = reason
            self.status = status
            self.begun.set()

    def wake(self) -> None:
        """Ends the main thread's wait for `wake_read`. From any thread, and from a signal."""
        os.write(self._wake_write, b"!")

    def woken(self) -> None:
        """Empties `wake_read`."""
        os.read(self.wake_read, 4096)

    def tell(self, processes: Collection[TrialProcess]) -> None:
        """Asks the trials to checkpoint, once."""
        if self._stop_sent_at is None:
            self._stop_sent_at = time.monotonic()
            for process in processes:
                process.send(Stop())

    @property
    def grace_left(self) -> float | None:
        """Seconds, at least 0, that trials still have; None: they were not asked to stop."""
        if self._stop_sent_at is None:
            return None
        return max(0.0, self._stop_sent_at + STOP_GRACE - time.monotonic())

    def _on_signal(self, number: int, _frame: object) -> None:
        """Runs between two instructions of the main thread: sets, writes, and no more."""
        if self.status is None or not self.begun.is_set():
            interrupted = number == signal.SIGINT
            self.status = exit_codes.INTERRUPTED if interrupted else exit_codes.PREEMPTED
            self.begun.set()
        self.wake()


def farewell(processes: Collection[TrialProcess]) -> None:
    """Lets trials that are still there checkpoint, without the database, and ends them."""
    for process in processes:
        process.send(Stop())
    deadline = time.monotonic() + FAREWELL
    for process in processes:
        process.linger(max(0.0, deadline - time.monotonic()))
