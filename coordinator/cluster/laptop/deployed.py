"""Is the coordinator there, and if it is not ready, why? Asked before anything is created.

Knows nothing of studies.
"""

from __future__ import annotations

from coordinator.cluster.api import Api, Object
from coordinator.cluster.deployment.readiness import Part, Seen, in_order
from coordinator.cluster.deployment.readiness import why_not_ready as why_part_is_not_ready
from coordinator.cluster.laptop.looking import looks
from coordinator.cluster.records import COMPONENT
from coordinator.cluster.refusals import NotFound
from study.errors import UsageError

NEEDED = (
    Part("statefulsets", "postgres"),
    Part("deployments", "pgbouncer"),
    Part("deployments", "coordinator"),
)
"""Without which no study is taken up."""
PATIENCE = 30.0  # seconds for a coordinator that has only just been deployed


def await_coordinator(api: Api, *, seconds: float = PATIENCE) -> None:
    """Waits until it is ready. Raises UsageError with what keeps it from being so, at once where
    waiting cannot help."""
    _check_deployed(api)
    reason = ""
    for found in looks(api, "deployments", f"{COMPONENT}=coordinator", seconds=seconds):
        if any(map(_is_ready, found)):
            return
        reason, settled = _why(api)
        if settled:
            break
    raise UsageError(f"the coordinator in namespace {api.namespace} is not ready: {reason}")


def why_not_ready(api: Api) -> str:
    """In one line; empty where it is ready. Raises UsageError where it was never deployed."""
    return "" if _is_ready(_check_deployed(api)) else _why(api)[0]


def _check_deployed(api: Api) -> Object:
    """The Deployment, as it is."""
    try:
        found = api.get("deployments", "coordinator")
    except NotFound as error:
        raise UsageError(
            f"namespace {api.namespace} of the cluster at {api.host} has no coordinator: make "
            "deploy; on this machine alone: make submit STUDY=... BACKEND=local"
        ) from error
    if found.get("spec", {}).get("replicas") == 0:
        raise UsageError(
            f"the coordinator in namespace {api.namespace} is scaled to 0: kubectl scale "
            f"--namespace {api.namespace} deployment/coordinator --replicas 1"
        )
    return found


def _why(api: Api) -> tuple[str, bool]:
    """What is most worth telling, and whether waiting cannot help. Of what it needs the first that
    is not up: the others wait for that."""
    seen = Seen(
        objects={},
        pods=api.list("pods").items,
        events=api.list("events").items,
        volume_claims=api.list("persistentvolumeclaims").items,
    )
    for part in in_order(NEEDED):
        reason = why_part_is_not_ready(part, seen)
        if reason is not None:
            return reason.text, reason.settled
    return "its pod is not ready; see kubectl logs deploy/coordinator", False


def _is_ready(deployment: Object) -> bool:
    """Its one pod leads, and reaches the database and the API server: what /readyz says."""
    return bool(deployment.get("status", {}).get("readyReplicas"))
