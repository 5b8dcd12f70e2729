"""What a laptop sees of objects that change: now, and again whenever they do, for as long as a
person waits.

A generator in the caller's thread is enough here; the coordinator, which looks at everything all
the time, has mirror.py. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from coordinator.cluster.api import Api, Object
from coordinator.cluster.changes import Change
from coordinator.cluster.refusals import ClusterUnreachable, Expired, Trouble

PERIOD = 10  # seconds after which a quiet watch is begun again, and what is there is given again
PAUSE = 2.0  # seconds after a list or a watch that broke


def looks(
    api: Api, resource: str, selector: str, *, seconds: float = float("inf")
) -> Iterator[list[Object]]:
    """All objects there are, at once and after every change, until `seconds` have passed.

    Given again at least every PERIOD, so that the caller can see that time goes by. Raises
    ClusterError where the cluster refuses, or does not answer at first; later it is waited for.
    """
    deadline = time.monotonic() + seconds
    seen = False
    while True:
        try:
            listing = api.list(resource, selector)
            seen = True
            found = {item["metadata"]["name"]: item for item in listing.items}
            yield list(found.values())
            left = deadline - time.monotonic()
            if left <= 0:
                return
            limit = round(max(1, min(PERIOD, left)))
            for change in api.watch(resource, selector, listing.version, seconds=limit):
                if change.type != "BOOKMARK":
                    _take(change, found)
                    yield list(found.values())
        except (ClusterUnreachable, Expired, Trouble):
            if not seen or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _take(change: Change, found: dict[str, Object]) -> None:
    name = change.object["metadata"]["name"]
    if change.type == "DELETED":
        found.pop(name, None)
    else:
        found[name] = change.object
