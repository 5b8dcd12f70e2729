"""What a laptop sees of objects that change: now, and again whenever they do, for as long as a
person waits.

A generator in the caller's thread is enough here; the coordinator, which looks at everything all
the time, has mirror.py. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from coordinator.cluster.api import Api, Object
from coordinator.cluster.refusals import ClusterUnreachable, Expired

PERIOD = 10  # seconds after which a quiet watch is begun again, and what is there is given again
PAUSE = 2.0  # seconds after a watch that broke


def looks(
    api: Api, resource: str, selector: str, *, seconds: float = float("inf")
) -> Iterator[list[Object]]:
    """All objects there are, at once and after every change, until `seconds` have passed.

    Given again at least every PERIOD, so that the caller can see that time goes by. Raises
    ClusterError where the cluster stays away for longer than api.py is patient.
    """
    deadline = time.monotonic() + seconds
    while True:
        listing = api.list(resource, selector)
        found = {item["metadata"]["name"]: item for item in listing.items}
        yield list(found.values())
        left = deadline - time.monotonic()
        if left <= 0:
            return
        try:
            for change in api.watch(
                resource, selector, listing.version, seconds=round(max(1, min(PERIOD, left)))
            ):
                if change.type == "BOOKMARK":
                    continue
                name = change.object["metadata"]["name"]
                if change.type == "DELETED":
                    found.pop(name, None)
                else:
                    found[name] = change.object
                yield list(found.values())
        except (Expired, ClusterUnreachable):
            time.sleep(PAUSE)
