"""Waiting for what other processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE = 90.0  # seconds for anything that is waited for
# Seconds for what is promised at once: far above what it takes on a machine that does much else,
# far below the leases, retries and graces that would bring it about in the end.
AT_ONCE = 15.0


def eventually(what: str, condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Waits until `condition` holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        threading.Event().wait(0.05)
