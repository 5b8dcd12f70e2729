"""`hpo deploy`: brings an overlay to a namespace and waits until it is up. Again, it is an upgrade.

Everything is asked of the cluster as a dry run first, so what it refuses is refused before anything
has changed. Data stays: claims that exist are left as they are, and what Jobs run goes on. Knows
nothing of studies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.deployment.credentials import new_secret, secrets_of
from coordinator.cluster.deployment.overlays import Choice, build
from coordinator.cluster.deployment.readiness import Part, in_order
from coordinator.cluster.deployment.rollout import Patience, Say, await_ready, events_so_far
from coordinator.cluster.refusals import ClusterError, Exists, Forbidden, NotFound
from coordinator.cluster.wire import PLACES
from study.errors import HpoError, UsageError

Object = dict[str, Any]

OURS = {"app.kubernetes.io/managed-by": "hpo-deploy"}
OURS_SELECTOR = "app.kubernetes.io/managed-by=hpo-deploy"
CLAIM = "PersistentVolumeClaim"
TO_API_SERVER = "to-api-server"  # the NetworkPolicy
RUNNERS = {"Cluster": "clusters", "StatefulSet": "statefulsets", "Deployment": "deployments"}
PRUNED = (
    *("deployments", "statefulsets", "cronjobs", "services", "networkpolicies"),
    *("poddisruptionbudgets", "rolebindings", "roles", "serviceaccounts", "podtemplates"),
)
"""What an overlay that no longer has it takes away. A Cluster would take its data with it."""


def deploy(api: Api, choice: Choice, say: Say, patience: Patience | None = None) -> None:
    """Deploys into the namespace of `api`.

    Raises UsageError where nothing was changed, HpoError where a part does not come up, with the
    reason.
    """
    namespace, *objects = build(choice, api.namespace)
    for found in (namespace, *objects):
        found["metadata"].setdefault("labels", {}).update(OURS)
    _let_through(_ports_of_api_server(api), objects)
    made = _make_namespace(api, namespace)
    try:
        objects = _without_claims_that_exist(api, objects)
        for found in objects:
            _apply(api, found, dry_run=True)
    except UsageError:
        if made:
            api.delete("namespaces", api.namespace)
        raise
    before = events_so_far(api)
    try:
        _make_secrets(api, objects)
        for found in objects:
            _apply(api, found)
        _prune(api, objects)
    except ClusterError as error:
        raise HpoError(f"{error}; some of it is deployed, deploy again") from error
    parts = [
        Part(RUNNERS[o["kind"]], o["metadata"]["name"]) for o in objects if o["kind"] in RUNNERS
    ]
    say(f"namespace {api.namespace} at {api.host}: {len(objects)} objects are as they should be")
    for part in in_order(parts):
        await_ready(api, part, before, say, patience or Patience())


def _ports_of_api_server(api: Api) -> list[int]:
    """Behind its Service; none where we may not look, for then the manifests' guesses must do."""
    try:
        slices = api.within("default").list(
            "endpointslices", "kubernetes.io/service-name=kubernetes"
        )
    except (Forbidden, NotFound):
        return []
    return sorted({port["port"] for each in slices.items for port in each.get("ports") or ()})


def _let_through(ports: Sequence[int], objects: Sequence[Object]) -> None:
    """Adds ports to those that the coordinator may reach the API server at."""
    for found in objects:
        if (found["kind"], found["metadata"]["name"]) == ("NetworkPolicy", TO_API_SERVER):
            allowed = found["spec"]["egress"][0]["ports"]
            known = {each["port"] for each in allowed}
            allowed += [{"protocol": "TCP", "port": port} for port in ports if port not in known]


def resource_of(found: Mapping[str, Any]) -> str:
    """The plural that the API has for an object's kind."""
    kind = str(found["kind"]).lower()
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def is_ours(namespace: Mapping[str, Any]) -> bool:
    """Whether a deploy made the namespace, so that it may be removed."""
    labels = namespace["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in OURS.items())


def _make_namespace(api: Api, wanted: Object) -> bool:
    """Makes the namespace where there is none; gives whether. One that a site has made stays as it
    is, rules for pods included."""
    try:
        there = api.get("namespaces", api.namespace)
    except NotFound:
        api.apply("namespaces", wanted)
        return True
    except Forbidden:  # who may only work in a namespace may not look at it
        return False
    if (there.get("status") or {}).get("phase") == "Terminating":
        raise UsageError(f"namespace {api.namespace} is being removed; deploy when it is gone")
    if is_ours(there):
        api.apply("namespaces", wanted)
    return False


def _without_claims_that_exist(api: Api, objects: Sequence[Object]) -> list[Object]:
    """A claim's access modes cannot change, and its size has been the site's business since."""
    there = {
        claim["metadata"]["name"]: set(claim["spec"]["accessModes"])
        for claim in api.list("persistentvolumeclaims").items
    }
    for found in objects:
        name = found["metadata"]["name"]
        if found["kind"] == CLAIM and name in there:
            shared = set(found["spec"]["accessModes"]) & {"ReadWriteMany"}
            if not shared <= there[name]:
                raise UsageError(
                    f"volume {name} exists as {', '.join(there[name])} and cannot become "
                    "ReadWriteMany: deploy without component rwx, or into another namespace"
                )
    return [
        found
        for found in objects
        if found["kind"] != CLAIM or found["metadata"]["name"] not in there
    ]


def _apply(api: Api, found: Object, *, dry_run: bool = False) -> None:
    resource = resource_of(found)
    if resource not in PLACES:
        raise AssertionError(f"{found['kind']} has no place in the API")
    try:
        api.apply(resource, found, dry_run=dry_run)
    except NotFound as error:
        if dry_run and found["kind"] == "RoleBinding":
            return  # who may not bind every role is asked what is in this one, which is to come
        group = found["apiVersion"].partition("/")[0]
        if resource == RUNNERS["Cluster"]:
            raise UsageError(
                f"the cluster does not know {found['kind']} of {group}: install that operator "
                "first, or deploy another overlay"
            ) from error
        raise


def _make_secrets(api: Api, objects: Sequence[Object]) -> None:
    for name in sorted(secrets_of(objects)):
        try:
            api.get("secrets", name)
        except NotFound:
            try:
                api.create("secrets", new_secret(name))
            except Exists:  # somebody else deploys, too; one content is as good as another
                continue


def _prune(api: Api, objects: Sequence[Object]) -> None:
    wanted = {(resource_of(found), found["metadata"]["name"]) for found in objects}
    for resource in PRUNED:
        for found in api.list(resource, OURS_SELECTOR).items:
            name = found["metadata"]["name"]
            if (resource, name) not in wanted:
                api.delete(resource, name)
