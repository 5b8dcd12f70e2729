"""`hpo undeploy`: takes away what a deploy and its studies have made, and waits until it is gone.

Volumes stay, with their namespace and the Secret of the database in them, unless they are to go
too. Workers are told to leave while there still is a database that they can release their trials
to. Knows nothing of what is in the volumes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from coordinator.cluster.api import Api
from coordinator.cluster.deployment.credentials import DATABASE
from coordinator.cluster.deployment.deploy import is_ours
from coordinator.cluster.deployment.rollout import Patience, Say
from coordinator.cluster.records import LABELS
from coordinator.cluster.refusals import Forbidden, NotFound
from study.errors import HpoError

NAMED_SELECTOR = ",".join(f"{key}={value}" for key, value in LABELS.items())
FIRST = (("deployments", "coordinator"),)  # it would start what is stopped
STUDIES = ("jobs",)
REST = (
    *("cronjobs", "deployments", "statefulsets", "services", "poddisruptionbudgets"),
    *("podtemplates", "configmaps", "rolebindings", "roles", "serviceaccounts", "secrets"),
    "networkpolicies",  # last: until then nobody may talk to whom they should not
)
VOLUMES = ("persistentvolumeclaims", "secrets")
WORK = f"{NAMED_SELECTOR},app.kubernetes.io/component in (worker,prepare,coordinator,backup)"


def undeploy(api: Api, say: Say, *, volumes: bool, patience: Patience | None = None) -> None:
    """Undeploys the namespace of `api`. volumes: those too, and the namespace where a deploy made
    it. Raises ClusterError, and HpoError for what does not go."""
    waits = patience or Patience()
    try:
        ours = is_ours(api.get("namespaces", api.namespace))
    except NotFound:
        say(f"there is no namespace {api.namespace} at {api.host}")
        return
    except Forbidden:
        ours = False
    for resource, name in FIRST:
        api.delete(resource, name)
    for resource in STUDIES:
        _delete_all(api, resource)
    _await_gone("workers leave", lambda: _names(api, "pods", WORK), say, waits)
    for resource in REST:
        _delete_all(api, resource, keep=(DATABASE,))
    _await_gone("pods end", lambda: _names(api, "pods", NAMED_SELECTOR), say, waits)
    if not volumes:
        kept = _names(api, "persistentvolumeclaims", NAMED_SELECTOR)
        say(f"undeployed; kept in namespace {api.namespace}: {_listed(kept)}, Secret {DATABASE}")
        return
    _delete_cluster(api)
    for resource in VOLUMES:
        _delete_all(api, resource)
    claims = "persistentvolumeclaims"
    _await_gone("volumes go", lambda: _names(api, claims, NAMED_SELECTOR), say, waits)
    if ours:
        api.delete("namespaces", api.namespace)
        _await_gone("the namespace goes", lambda: _namespace(api), say, waits)
    say(f"undeployed with its volumes: {api.namespace}")


def _delete_all(api: Api, resource: str, keep: tuple[str, ...] = ()) -> None:
    for name in _names(api, resource, NAMED_SELECTOR):
        if resource != "secrets" or name not in keep:
            api.delete(resource, name)


def _delete_cluster(api: Api) -> None:
    """The operator's database is a volume with a server around it."""
    try:
        _delete_all(api, "clusters")
    except (NotFound, Forbidden):  # no such operator here, or none that we could have asked
        return


def _await_gone(what: str, left: Callable[[], list[str]], say: Say, patience: Patience) -> None:
    deadline, told = time.monotonic() + patience.ready, ""
    while names := left():
        text = f"{what}: {_listed(names)}"
        if text != told:
            say(text)
            told = text
        if time.monotonic() > deadline:
            raise HpoError(f"still there after {patience.ready:.0f} s: {text}; undeploy again")
        time.sleep(patience.look)


def _names(api: Api, resource: str, selector: str) -> list[str]:
    return [found["metadata"]["name"] for found in api.list(resource, selector).items]


def _namespace(api: Api) -> list[str]:
    try:
        return [api.get("namespaces", api.namespace)["metadata"]["name"]]
    except NotFound:
        return []


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
