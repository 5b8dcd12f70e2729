"""Waits until what was deployed is up, and says on the way what it waits for.

Knows nothing of what is deployed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.deployment.readiness import Part, Seen, is_ready, why_not_ready
from coordinator.cluster.refusals import ClusterError
from study.errors import HpoError

Object = dict[str, Any]
Say = Callable[[str], None]
Events = set[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited, in seconds."""

    ready: float = 300.0
    """For each part; images may have to be pulled."""
    settled: float = 10.0
    """For a reason that will not pass by itself to prove it: what ran before goes first."""
    look: float = 2.0
    """Between two looks."""


def events_so_far(api: Api) -> Events:
    """Those that are history: an earlier deployment's troubles, for example."""
    return {_identity(event) for event in api.list("events").items}


def await_ready(api: Api, part: Part, before: Events, say: Say, patience: Patience) -> None:
    """Waits until a part is up. Raises HpoError with the reason."""
    began, settled_since, told = time.monotonic(), None, ""
    while True:
        now = time.monotonic()
        try:
            seen = _look(api, part, before)
        except ClusterError as error:
            raise HpoError(f"{part.name}: {error}; everything was applied") from error
        if is_ready(seen.objects[part]):
            say(f"{part.name}: ready")
            return
        reason = why_not_ready(part, seen)
        text = "waits for the cluster" if reason is None else reason.text
        if text != told:
            say(f"{part.name}: {text}")
            told, settled_since = text, now
        settled = reason is not None and reason.settled
        if settled and settled_since is not None and now - settled_since >= patience.settled:
            raise HpoError(f"{part.name} does not start: {text}")
        if now - began > patience.ready:
            raise HpoError(f"{part.name} is not ready after {patience.ready:.0f} s: {text}")
        time.sleep(patience.look)


def _look(api: Api, part: Part, before: Events) -> Seen:
    events = [event for event in api.list("events").items if _identity(event) not in before]
    return Seen(
        objects={part: api.get(part.resource, part.name)},
        pods=api.list("pods").items,
        events=events,
        volume_claims=api.list("persistentvolumeclaims").items,
    )


def _identity(event: Object) -> tuple[str, str]:
    """An event that is counted up is another one."""
    return event["metadata"]["name"], event["metadata"]["resourceVersion"]
