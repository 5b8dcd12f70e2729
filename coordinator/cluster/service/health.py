"""Whether the coordinator in the cluster is alive and ready, for probes and for people.

    /healthz  200 while its loop has turned within the last 60 s, else 503
    /readyz   200 while it leads and reaches both the database and the API server, else 503

Knows nothing of studies.
"""

from __future__ import annotations

import json
import threading
import time

TURN_SECONDS = 60.0  # longer than a call of the API takes with all its tries; see api.py


class Health:
    """What the coordinator says of itself. Written by its loop, read by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble = "it has only just started"
        self._turned_at = time.monotonic()

    def turned(self) -> None:
        """The loop goes round, or one of its calls came to an end."""
        with self._lock:
            self._turned_at = time.monotonic()

    def say(self, trouble: str) -> None:
        """What keeps it from working; empty where nothing does."""
        with self._lock:
            self._trouble = trouble

    def answer(self, path: str) -> tuple[int, str]:
        """HTTP status and line for a path."""
        with self._lock:
            idle = time.monotonic() - self._turned_at
            trouble = self._trouble
        holds = {"/healthz": idle < TURN_SECONDS, "/readyz": not trouble}
        if path not in holds:
            return 404, json.dumps({"paths": list(holds)})
        content = {"ready": not trouble, "trouble": trouble, "seconds_since_turn": round(idle, 1)}
        return (200 if holds[path] else 503), json.dumps(content)
