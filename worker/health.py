"""Whether a worker is alive and ready, over HTTP, for probes and for people.

    /healthz  200 while the supervisor's loop has turned within the last 180 s, else 503
    /readyz   200 while trials train or the next one could begin at once, else 503

Both answer one line of JSON: the supervisor's own state, nothing of the database and no secret.
Asked from before the database is reached (study/probes.py serves it): a worker that waits for it
is alive and not ready. Knows nothing of what the supervisor does.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping

TURN_SECONDS = 180.0  # longer than any wait of the supervisor; see its own limits


class Health:
    """What a worker says of itself. Written by the supervisor's thread, read by any."""

    def __init__(self, worker: str, study: str) -> None:
        self._worker = worker
        self._study = study
        self._lock = threading.Lock()
        self._state = "waits for the database"
        self._ready = False
        self._trials: dict[int, int | None] = {}
        self._turned_at = time.monotonic()

    def turned(self) -> None:
        """The loop goes round, or a wait within it came to one of its ends."""
        with self._lock:
            self._turned_at = time.monotonic()

    def say(
        self, state: str, *, ready: bool = False, trials: Mapping[int, int | None] | None = None
    ) -> None:
        """What the worker does now; `trials` are numbers in hand with their newest epoch."""
        with self._lock:
            self._state, self._ready = state, ready
            self._trials = dict(trials or {})
            self._turned_at = time.monotonic()

    def answer(self, path: str) -> tuple[int, str]:
        """HTTP status and line for a path."""
        with self._lock:
            idle = time.monotonic() - self._turned_at
            holds = {"/healthz": idle < TURN_SECONDS, "/readyz": self._ready}
            content = {
                "worker": self._worker,
                "study": self._study,
                "state": self._state,
                "ready": self._ready,
                "trials": [{"number": n, "epoch": e} for n, e in self._trials.items()],
                "seconds_since_turn": round(idle, 1),
            }
        if path not in holds:
            return 404, json.dumps({"paths": list(holds)})
        return (200 if holds[path] else 503), json.dumps(content)
