"""Waits out database outages: a training trial is worth more than a quick error.

Knows nothing of what is asked of the database.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from study.database import is_outage

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.2  # seconds
LONGEST_PAUSE = 5.0  # seconds
FAREWELL_TRIES = 3  # once the worker is leaving: its grace period is short

log = logging.getLogger(__name__)


class Patience:
    """Repeats an operation until the database answers. Safe to use from several threads."""

    def __init__(
        self,
        leaving: threading.Event,
        outage_over: Callable[[], None],
        turned: Callable[[], None],
    ) -> None:
        """`leaving` is set when the worker is to stop; `outage_over` is called after each
        outage, before anything else is asked; `turned` after each try: a worker that waits for its
        database is alive."""
        self._leaving = leaving
        self._outage_over = outage_over
        self._turned = turned

    def __call__(self, operation: Callable[[], Answer]) -> Answer:
        """Gives what `operation`, which must be safe to repeat, gives. Raises its error if it is
        not an outage, or if the worker is leaving and a few tries did not help."""
        tries = 0
        while True:
            try:
                answer = operation()
            except Exception as error:
                if not is_outage(error):
                    raise
                tries += 1
                self._turned()
                if self._leaving.is_set() and tries >= FAREWELL_TRIES:
                    raise
                self._pause(tries, error)
                self._outage_over()
            else:
                if tries:
                    log.warning("the database is back")
                return answer

    def _pause(self, tries: int, error: Exception) -> None:
        if tries == 1:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            log.warning("the database does not answer, trying again: %s", reason)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1)) * random.uniform(0.5, 1.0)
        if self._leaving.wait(pause):
            time.sleep(FIRST_PAUSE)  # leaving: the wait above no longer waits
