"""Which part of a deployment is not up yet, and why: pure functions of what the cluster says.

Parts come up in order, because a part that waits for the one before it only seems to be broken.
Knows nothing of how the cluster is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.cluster.waiting import Reason, find_reason

Object = Mapping[str, Any]

COMPONENTS = ("postgres", "pgbouncer", "coordinator", "dashboard")


@dataclass(frozen=True)
class Part:
    """Something that runs pods."""

    resource: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the namespace holds, by resource."""

    objects: Mapping[Part, Object]
    pods: Sequence[Object]
    events: Sequence[Object]
    """Those that came after the deployment began."""
    volume_claims: Sequence[Object]


def in_order(parts: Sequence[Part]) -> list[Part]:
    """As they come up: database, pooler, coordinator, dashboard."""
    return sorted(parts, key=lambda part: COMPONENTS.index(part.name))


def is_ready(found: Object) -> bool:
    """Whether all its pods are those it is to have now, and ready."""
    spec, status = found["spec"], found.get("status") or {}
    if found.get("kind") == "Cluster":
        return bool(status.get("readyInstances", 0) >= spec["instances"])
    wanted = spec.get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= found["metadata"].get("generation", 1)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
        and status.get("replicas", wanted) == wanted  # none of the version before is left
    )


def why_not_ready(part: Part, seen: Seen) -> Reason | None:
    """Why a part is not up; None where the cluster has not said anything yet."""
    pods = [pod for pod in seen.pods if _is_of(part, pod)]
    claims = [
        claim
        for claim in seen.volume_claims
        if any(claim["metadata"]["name"] in _claims(pod) for pod in pods)
    ]
    about = {part.name, *(found["metadata"]["name"] for found in (*pods, *claims))}
    events = [
        event
        for event in seen.events
        if (name := event["involvedObject"].get("name", "")) in about
        or (event.get("reason") == "FailedCreate" and name.startswith(f"{part.name}-"))
        or (event.get("reason") == "SuccessfulCreate" and name.startswith(f"{part.name}-"))
    ]
    return find_reason(pods, events, claims)


def _is_of(part: Part, pod: Object) -> bool:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    ours = labels.get("app.kubernetes.io/component") == part.name
    operators = labels.get("cnpg.io/cluster") == part.name and part.resource == "clusters"
    return (ours or operators) and "deletionTimestamp" not in metadata


def _claims(pod: Object) -> set[str]:
    return {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"].get("volumes", ())
        if "persistentVolumeClaim" in volume
    }
