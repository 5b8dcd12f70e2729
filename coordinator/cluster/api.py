"""The one file that talks to the cluster: raw objects in and out, as dictionaries.

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

from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from coordinator.cluster.connection import Connection
from coordinator.cluster.refusals import (
    RETRIED,
    ClusterError,
    ClusterUnreachable,
    Expired,
    NotFound,
    not_a_cluster,
    refusal,
)

Object = dict[str, Any]
Query = list[tuple[str, str]]

PLACES = {
    "configmaps": "/api/v1",
    "events": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "pods": "/api/v1",
    "podtemplates": "/api/v1",
    "resourcequotas": "/api/v1",
    "secrets": "/api/v1",
    "namespaces": "/api/v1",
    "serviceaccounts": "/api/v1",
    "services": "/api/v1",
    "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "clusters": "/apis/postgresql.cnpg.io/v1",  # of the operator CloudNativePG
}
"""The API group of each resource that is asked for."""
OUTSIDE = ("namespaces",)  # are not in a namespace

TIMEOUT = (5.0, 20.0)  # seconds to connect, and between two bytes
PATIENCE = 15.0  # seconds in which a request is tried again
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries
SILENCE = 100.0  # seconds without a byte after which a watch ends; bookmarks come each minute
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON = {"Content-Type": "application/json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MANAGER = [("fieldManager", "hpo"), ("force", "true")]  # whose fields a deploy sets


@dataclass(frozen=True)
class Listing:
    """A list, and where a watch goes on from."""

    items: list[Object]
    version: str


@dataclass(frozen=True)
class Change:
    """An event of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    object: Object


class Api:
    """One namespace of one cluster. Safe to use from several threads."""

    def __init__(self, connection: Connection, *, patience: float = PATIENCE) -> None:
        self.namespace = connection.namespace
        self.host = connection.host
        self._client = connection.client
        self._patience = patience
        self._way_out = connection.way_out and f"; {connection.way_out}"

    def within(self, namespace: str) -> Api:
        """Another namespace of the same cluster."""
        other = copy.copy(self)
        other.namespace = namespace
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
        what = self._what(resource)
        try:
            response = self._send("GET", resource, "", query, timeout=(TIMEOUT[0], silence))
        except (HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        try:
            if response.status != 200:
                raise self._refusal(response, "watch", what)
            for line in _lines(response):
                yield self._change(json.loads(line), what)
        except ReadTimeoutError:
            return
        except (HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        finally:
            response.response.close()

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
                response = self._send(method, resource, path + subresource, query, body, headers)
                content = bytes(response.read() or b"")
                if 200 <= response.status <= 299:
                    return content
                error = refusal(
                    response.status,
                    content,
                    verb=verb,
                    what=self._what(resource, name),
                    host=self.host,
                )
                if response.status not in RETRIED:
                    raise error
                wait = max(wait, _retry_after(response))
            except (HTTPError, OSError) as failure:
                error = self._unreachable(failure)
            if time.monotonic() + wait > deadline:
                raise error
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _send(
        self,
        method: str,
        resource: str,
        path: str,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> RESTResponse:
        """One request; the answer is not read yet. Raises HTTPError, OSError,
        ClusterUnreachable."""
        within = "" if resource in OUTSIDE else f"/namespaces/{self.namespace}"
        place = f"{PLACES[resource]}{within}/{resource}{path}"
        serialized = self._client.param_serialize(
            method=method,
            resource_path=place,
            query_params=query,
            header_params={"Accept": "application/json", **(headers or {})},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            return self._client.call_api(*serialized, _request_timeout=timeout)
        except ApiException as error:  # without an answer: TLS
            raise self._unreachable(error.reason or error) from error

    def _change(self, event: Object, what: str) -> Change:
        if event["type"] != "ERROR":
            return Change(event["type"], event["object"])
        code = int(event["object"].get("code", 500))
        if code == 410:
            raise Expired(f"the watch of {what} begins too far back")
        body = json.dumps(event["object"]).encode()
        raise refusal(code, body, verb="watch", what=what, host=self.host)

    def _refusal(self, response: RESTResponse, verb: str, what: str) -> ClusterError:
        content = bytes(response.read() or b"")
        return refusal(response.status, content, verb=verb, what=what, host=self.host)

    def _unreachable(self, reason: object) -> ClusterUnreachable:
        said = " ".join(str(reason).split())
        return ClusterUnreachable(f"no cluster answers at {self.host}: {said}{self._way_out}")

    def _what(self, resource: str, name: str = "") -> str:
        within = "" if resource in OUTSIDE else f" in namespace {self.namespace}"
        return f"{resource}{'/' if name else ''}{name}{within}"


METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}


def _selected(selector: str) -> Query:
    return [("labelSelector", selector)] if selector else []


def _dry(dry_run: bool) -> Query:
    return [("dryRun", "All")] if dry_run else []


def _retry_after(response: RESTResponse) -> float:
    """Seconds the server asks for."""
    given = str(response.headers.get("Retry-After", ""))
    return float(given) if given.isdecimal() else 0.0


def _lines(response: RESTResponse) -> Iterator[bytes]:
    """Whole lines, as they come."""
    rest = b""
    for chunk in response.response.stream(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, whole)
