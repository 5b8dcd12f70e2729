"""Which studies are asked for, and which are to be looked at now.

A study is looked at soon after something of it has changed, every 2 s while it goes on, and now and
then in any case. Knows nothing of what looking means.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from coordinator.cluster.records import ROLE, STUDY, Request, read_request
from coordinator.cluster.service.look import Asked, parse
from study.errors import HpoError

PERIOD = 2.0  # seconds between two looks at a study that goes on
IDLE_PERIOD = 60.0  # seconds, of one that does not

Object = dict[str, Any]


class Requests:
    """Of all studies. `touched` is called by any thread, the rest by one."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        """Set when something has changed."""
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        self._looked: dict[str, float] = {}  # monotonic seconds
        self._resting: set[str] = set()
        self._parsed: dict[str, tuple[str, Asked]] = {}

    def touched(self, found: Object) -> None:
        """Something of a study has changed."""
        labels = found["metadata"].get("labels") or {}
        if labels.get(ROLE) == "status":
            return  # our own words
        with self._lock:
            self._touched.add(labels.get(STUDY, ""))
        self.wake.set()

    def due(self, names: Iterable[str]) -> list[str]:
        """Which of the studies are to be looked at now, those that have changed first."""
        now = time.monotonic()
        with self._lock:
            touched = set(self._touched)
        waited = {name: now - self._looked.get(name, float("-inf")) for name in names}
        periods = {name: IDLE_PERIOD if name in self._resting else PERIOD for name in waited}
        due = [name for name in waited if name in touched or waited[name] >= periods[name]]
        return sorted(due, key=lambda name: (name not in touched, -waited[name]))

    def patience(self) -> float:
        """Seconds until some study is due though nothing changes."""
        return PERIOD if self._looked.keys() - self._resting else IDLE_PERIOD / 6

    def keep(self, names: Collection[str]) -> None:
        """Forgets all others."""
        for name in [name for name in self._looked if name not in names]:
            del self._looked[name]
        self._resting &= set(names)
        self._parsed = {name: known for name, known in self._parsed.items() if name in names}

    def looked(self, name: str, *, rests: bool) -> None:
        """It was looked at; `rests` while nothing of it goes on."""
        self._looked[name] = time.monotonic()
        (self._resting.add if rests else self._resting.discard)(name)

    @contextmanager
    def looking(self, name: str) -> Iterator[None]:
        """Around a look: what changes meanwhile asks for another, and so does one that fails."""
        with self._lock:
            self._touched.discard(name)
        try:
            yield
        except BaseException:
            with self._lock:
                self._touched.add(name)
            raise

    def asked(self, found: Object) -> Asked:
        """The request of a ConfigMap, parsed once. Raises HpoError."""
        name, version = found["metadata"]["labels"][STUDY], found["metadata"]["resourceVersion"]
        known = self._parsed.get(name)
        if known is None or known[0] != version:
            request, configuration = read_request(found)
            known = self._parsed[name] = (version, parse(name, request, configuration))
        return known[1]


def request_of(found: Object) -> Request:
    """Of a request whose configuration may be broken; of one that cannot be read at all, the
    first."""
    try:
        return read_request(found)[0]
    except HpoError:
        return Request(revision=0, workers=1)
