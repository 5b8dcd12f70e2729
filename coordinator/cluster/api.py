"""What can be asked of a cluster: raw objects in and out, as dictionaries. Nothing else sends to it
but wire.py, through here and changes.py.

Every call has a timeout; what may pass by itself (429, 5xx, a broken connection) is tried again for
a while. A creation whose answer was lost raises Exists the second time, so callers name what they
create. Errors are one line each, see refusals.py. Knows nothing of what the objects mean.
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError

from coordinator.cluster.changes import SILENCE, Change, changes
from coordinator.cluster.connection import Connection
from coordinator.cluster.refusals import RETRIED, NotFound, not_a_cluster
from coordinator.cluster.wire import Query, Wire, retry_after

Object = dict[str, Any]

PATIENCE = 15.0  # seconds in which a request is tried again
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON = {"Content-Type": "application/json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MANAGER = [("fieldManager", "hpo"), ("force", "true")]  # whose fields a deploy sets


@dataclass(frozen=True)
class Listing:
    """A list, and where a watch goes on from."""

    items: list[Object]
    version: str


class Api:
    """One namespace of one cluster. Safe to use from several threads."""

    def __init__(self, connection: Connection, *, patience: float = PATIENCE) -> None:
        self._wire = Wire(connection)
        self._patience = patience

    @property
    def namespace(self) -> str:
        """All that is asked for is in it."""
        return self._wire.namespace

    @property
    def host(self) -> str:
        """The server, for a person."""
        return self._wire.host

    def within(self, namespace: str) -> Api:
        """Another namespace of the same cluster."""
        other = copy.copy(self)
        other._wire = self._wire.within(namespace)
        return other

    def get(self, resource: str, name: str) -> Object:
        """Raises NotFound."""
        return self._call("get", resource, name)

    def list(self, resource: str, selector: str = "") -> Listing:
        """Those whose labels match `selector`."""
        found = self._call("list", resource, query=_selected(selector))
        return Listing(found.get("items") or [], found["metadata"]["resourceVersion"])

    def watch(
        self, resource: str, selector: str, version: str, *, seconds: int, silence: float = SILENCE
    ) -> Iterator[Change]:
        """What happens after `version`, until `seconds` have passed, or nothing has come for
        `silence`: the connection may be half open. Raises Expired where `version` is too long ago,
        ClusterUnreachable where the connection breaks."""
        query = [
            *_selected(selector),
            ("watch", "true"),
            ("resourceVersion", version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(seconds)),
        ]
        return changes(self._wire, resource, query, silence=silence)

    def create(self, resource: str, new: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Raises Exists. dry_run: the cluster checks it, admission included, and forgets it."""
        name = str(new["metadata"].get("name", ""))
        return self._call("create", resource, name, query=_dry(dry_run), body=new, headers=JSON)

    def patch(
        self, resource: str, name: str, patch: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        """A JSON merge patch. Raises NotFound, and Conflict where the patch has a
        metadata.resourceVersion that is old."""
        return self._call("patch", resource, name, query=_dry(dry_run), body=patch, headers=MERGE)

    def apply(self, resource: str, wanted: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Makes the object or sets what `wanted` says of it, and leaves alone what others have set
        (server-side apply). Raises NotFound for a kind that the cluster does not know."""
        name = str(wanted["metadata"]["name"])
        query = [*MANAGER, *_dry(dry_run)]
        return self._call("patch", resource, name, query=query, body=wanted, headers=APPLY)

    def delete(self, resource: str, name: str, *, uid: str | None = None) -> None:
        """Deletes an object, and in the background what belongs to it; nothing happens where it is
        gone. uid: of the one that is meant, else Conflict."""
        options: Object = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._call("delete", resource, name, body=options, headers=JSON)
        except NotFound:
            return

    def log(self, pod: str, lines: int) -> str:
        """The end of what a pod printed. Raises Invalid before its container has started."""
        query = [("tailLines", str(lines))]
        return self._answer("get", "pods", pod, query=query, subresource="/log").decode(
            errors="replace"
        )

    def _call(self, verb: str, resource: str, name: str = "", **request: Any) -> Object:
        try:
            answer = json.loads(self._answer(verb, resource, name, **request))
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise not_a_cluster(self.host)
        return answer

    def _answer(
        self,
        verb: str,
        resource: str,
        name: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        subresource: str = "",
    ) -> bytes:
        """The body of the answer; tries again while patience lasts."""
        deadline = time.monotonic() + self._patience
        pause = FIRST_PAUSE
        method = METHODS[verb]
        path = "" if verb == "create" else f"/{name}" if name else ""
        while True:
            wait = pause * random.uniform(0.5, 1.0)  # so that many clients do not come at once
            try:
                response = self._wire.send(
                    method, resource, path + subresource, query, body, headers
                )
                content = bytes(response.read() or b"")
                if 200 <= response.status <= 299:
                    return content
                what = self._wire.what(resource, name)
                error = self._wire.refusal(response, content, verb, what)
                if response.status not in RETRIED:
                    raise error
                wait = max(wait, retry_after(response))
            except (HTTPError, OSError) as failure:
                error = self._wire.unreachable(failure)
            if time.monotonic() + wait > deadline:
                raise error
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)


METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}


def _selected(selector: str) -> Query:
    return [("labelSelector", selector)] if selector else []


def _dry(dry_run: bool) -> Query:
    return [("dryRun", "All")] if dry_run else []
