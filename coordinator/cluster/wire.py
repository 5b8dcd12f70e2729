"""One request to the API server, and its answer: where each resource is, with which credentials,
how long it may take, and what an answer that did not come means.

Knows nothing of trying again, nor of what is asked (api.py).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse

from coordinator.cluster.connection import Connection
from coordinator.cluster.refusals import ClusterError, ClusterUnreachable, refusal

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


class Wire:
    """To one namespace of one cluster. Safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self.namespace = connection.namespace
        self.host = connection.host
        self._client = connection.client
        self._way_out = connection.way_out and f"; {connection.way_out}"

    def within(self, namespace: str) -> Wire:
        """To another namespace of the same cluster."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def send(
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
            raise self.unreachable(error.reason or error) from error

    def refusal(self, response: RESTResponse, content: bytes, verb: str, what: str) -> ClusterError:
        """The error of an answer that is not 2xx. what: see `what`."""
        return refusal(response.status, content, verb=verb, what=what, host=self.host)

    def unreachable(self, reason: object) -> ClusterUnreachable:
        """The error of an answer that did not come."""
        said = " ".join(str(reason).split())
        return ClusterUnreachable(f"no cluster answers at {self.host}: {said}{self._way_out}")

    def what(self, resource: str, name: str = "") -> str:
        """Names an object for a person."""
        within = "" if resource in OUTSIDE else f" in namespace {self.namespace}"
        return f"{resource}{'/' if name else ''}{name}{within}"


def retry_after(response: RESTResponse) -> float:
    """Seconds the server asks for."""
    given = str(response.headers.get("Retry-After", ""))
    return float(given) if given.isdecimal() else 0.0
