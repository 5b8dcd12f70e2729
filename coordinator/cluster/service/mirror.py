"""A copy of some of the cluster's objects in memory, kept up to date by a watch.

The official client has an informer; it is not used because it connects again at once and without
end when a watch fails, and turns every object into models. Here a list is asked for only at the
start and after 410, a watch goes on from where the last one ended, failures back off, and a
connection that has gone silent is given up. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from coordinator.cluster.api import Api, Object
from coordinator.cluster.changes import SILENCE, Change
from coordinator.cluster.refusals import ClusterError, Expired

WATCH_SECONDS = 300  # of one watch; the server ends it
SHORTEST = 1.0  # seconds a watch takes at least, or the next one waits: never a hot loop
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two tries

log = logging.getLogger(__name__)


class Mirror:
    """The objects of one resource whose labels match. Started once; read by any thread."""

    def __init__(
        self,
        api: Api,
        resource: str,
        selector: str,
        changed: Callable[[Object], None],
        *,
        silence: float = SILENCE,
    ) -> None:
        """changed: called by the mirror's thread with every object that came, changed or went.
        silence: seconds without a byte after which the connection is given up."""
        self.resource = resource
        self._api = api
        self._selector = selector
        self._changed = changed
        self._silence = silence
        self._lock = threading.Lock()
        self._objects: dict[str, Object] = {}
        self._version = ""
        self._has_read = False
        self._trouble = ""
        self._ends = threading.Event()

    def start(self) -> None:
        """Begins to watch, in a thread that ends with the process."""
        threading.Thread(target=self._run, name=f"mirror {self.resource}", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread when its connection next says something."""
        self._ends.set()

    def objects(self) -> list[Object]:
        """As they were last seen, in the order of their names. Not to be changed."""
        with self._lock:
            return [self._objects[name] for name in sorted(self._objects)]

    @property
    def read(self) -> bool:
        """Whether it has ever had a list: what is not in it is not there."""
        with self._lock:
            return self._has_read

    @property
    def trouble(self) -> str:
        """Why the copy may be old, in one line; empty while nothing went wrong."""
        with self._lock:
            return self._trouble

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._ends.is_set():
            begun = time.monotonic()
            try:
                if not self._version:
                    self._list()
                self._watch()
                pause = FIRST_PAUSE
            except Expired:
                self._version = ""  # keeps what it has until the list is here
                pause = FIRST_PAUSE
            except Exception as error:
                if not isinstance(error, ClusterError):  # a mistake of ours must not blind us
                    log.exception("watching %s", self.resource)
                self._tell(str(error) or type(error).__name__)
                if time.monotonic() - begun > LONGEST_PAUSE:
                    pause = FIRST_PAUSE  # it had worked for a while
                self._ends.wait(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, LONGEST_PAUSE)
            self._ends.wait(max(0.0, begun + SHORTEST - time.monotonic()))

    def _list(self) -> None:
        listing = self._api.list(self.resource, self._selector)
        found = {item["metadata"]["name"]: _lean(item) for item in listing.items}
        with self._lock:
            before, self._objects = self._objects, found
            self._version, self._has_read = listing.version, True
        for name in {**before, **found}:
            if before.get(name) != found.get(name):
                self._changed(found.get(name) or before[name])

    def _watch(self) -> None:
        seconds = round(WATCH_SECONDS * random.uniform(0.8, 1.0))  # not all mirrors at once
        changes = self._api.watch(
            self.resource, self._selector, self._version, seconds=seconds, silence=self._silence
        )
        self._tell("")
        for change in changes:
            self._take(change)
            if self._ends.is_set():
                return

    def _take(self, change: Change) -> None:
        metadata = change.object["metadata"]
        with self._lock:
            self._version = metadata["resourceVersion"]
            if change.type == "DELETED":
                self._objects.pop(metadata["name"], None)
            elif change.type != "BOOKMARK":
                self._objects[metadata["name"]] = _lean(change.object)
        if change.type != "BOOKMARK":
            self._changed(change.object)

    def _tell(self, trouble: str) -> None:
        with self._lock:
            before, self._trouble = self._trouble, trouble
        if trouble and trouble != before:
            log.warning("watching %s: %s", self.resource, trouble)


def _lean(found: Object) -> Object:
    """Without the record of who wrote which field, which is most of a small object."""
    found["metadata"].pop("managedFields", None)
    return found
