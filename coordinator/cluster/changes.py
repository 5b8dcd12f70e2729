"""What a watch brings: event after event, from one answer of the API server that does not end.

Knows nothing of going on where a watch ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubernetes.client.rest import RESTResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from coordinator.cluster.refusals import Expired, refusal
from coordinator.cluster.wire import TIMEOUT, Query, Wire

SILENCE = 100.0  # seconds without a byte after which a watch ends; bookmarks come each minute


@dataclass(frozen=True)
class Change:
    """An event of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    object: dict[str, Any]


def changes(wire: Wire, resource: str, query: Query, *, silence: float) -> Iterator[Change]:
    """The events, until the server ends the watch or nothing has come for `silence` seconds.
    Raises Expired, ClusterUnreachable and what else the server refuses with."""
    what = wire.what(resource)
    try:
        response = wire.send("GET", resource, "", query, timeout=(TIMEOUT[0], silence))
    except (HTTPError, OSError) as error:
        raise wire.unreachable(error) from error
    try:
        if response.status != 200:
            content = bytes(response.read() or b"")
            raise wire.refusal(response, content, "watch", what)
        for line in _lines(response):
            yield _change(json.loads(line), what, wire.host)
    except ReadTimeoutError:
        return
    except (HTTPError, OSError, ValueError) as error:
        raise wire.unreachable(error) from error
    finally:
        response.response.close()


def _lines(response: RESTResponse) -> Iterator[bytes]:
    """Whole lines, as they come."""
    rest = b""
    for chunk in response.response.stream(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)


def _change(event: dict[str, Any], what: str, host: str) -> Change:
    if event["type"] != "ERROR":
        return Change(event["type"], event["object"])
    code = int(event["object"].get("code", 500))
    if code == 410:
        raise Expired(f"the watch of {what} begins too far back")
    body = json.dumps(event["object"]).encode()
    raise refusal(code, body, verb="watch", what=what, host=host)
