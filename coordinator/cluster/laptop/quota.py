"""How many workers fit into a namespace's quotas: a pure function of what the cluster says.

A quota refuses pods one by one, long after a Job was taken; asked before, it is one line for the
person. Knows nothing of where quotas and pods come from.
https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

Object = Mapping[str, Any]

PODS = ("pods", "count/pods")
PLAIN = ("cpu", "memory", "ephemeral-storage")  # a quota may leave out `requests.` for these


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What keeps a further worker out."""

    quota: str
    resource: str
    hard: str
    used: str
    each: str
    """What one worker takes."""
    workers: int
    """That fit, those that run already among them."""

    def __str__(self) -> str:
        return (
            f"quota {self.quota}: {self.used} of {self.hard} {self.resource} used, "
            f"a worker takes {self.each}: {self.workers} fit"
        )


def bound(quotas: Sequence[Object], pod: Object, *, present: int = 0) -> Bound | None:
    """The tightest bound on the number of workers; None where no quota bounds it.

    pod: the spec of a worker's pod. present: pods of the study that the quotas have counted.
    """
    needs = _needs(pod)
    bounds = [
        found
        for quota in quotas
        if _concerns(quota, pod)
        for found in _bounds(quota, needs, present)
    ]
    return min(bounds, key=lambda found: found.workers, default=None)


def _bounds(quota: Object, needs: Mapping[str, Decimal], present: int) -> Iterator[Bound]:
    status = quota.get("status") or {}
    hard = status.get("hard") or quota.get("spec", {}).get("hard") or {}
    used = status.get("used") or {}
    for resource, most in hard.items():
        need = needs.get(f"requests.{resource}" if resource in PLAIN else resource, Decimal(0))
        if need > 0:
            free = _quantity(most) - _quantity(used.get(resource, "0"))
            yield Bound(
                quota=quota["metadata"]["name"],
                resource=resource,
                hard=str(most),
                used=str(used.get(resource, "0")),
                each=f"{need.normalize():f}",
                workers=present + max(0, int(free // need)),
            )


def _needs(pod: Object) -> dict[str, Decimal]:
    """What a pod counts for, by the name a quota has for it. Containers run together; an init
    container runs before them, or as long where it restarts always."""
    needs = dict.fromkeys(PODS, Decimal(1))
    for kind in ("requests", "limits"):
        together: dict[str, Decimal] = {}
        before: dict[str, Decimal] = {}
        for container in (*pod.get("containers", ()), *_sidecars(pod)):
            for resource, amount in _amounts(container, kind):
                together[resource] = together.get(resource, Decimal(0)) + amount
        for container in pod.get("initContainers", ()):
            for resource, amount in _amounts(container, kind):
                before[resource] = max(before.get(resource, Decimal(0)), amount)
        for resource in {*together, *before}:
            most = max(together.get(resource, Decimal(0)), before.get(resource, Decimal(0)))
            needs[f"{kind}.{resource}"] = most
    return needs


def _amounts(container: Object, kind: str) -> Iterator[tuple[str, Decimal]]:
    resources = container.get("resources") or {}
    limits = resources.get("limits") or {}
    # what has a limit and no request asks for its limit
    stated = {**limits, **(resources.get("requests") or {})} if kind == "requests" else limits
    for resource, amount in stated.items():
        yield resource, _quantity(amount)


def _quantity(given: str | int) -> Decimal:
    """`500m`, `2Gi`, 1."""
    return Decimal(parse_quantity(given))


def _sidecars(pod: Object) -> Iterator[Object]:
    for container in pod.get("initContainers", ()):
        if container.get("restartPolicy") == "Always":
            yield container


def _concerns(quota: Object, pod: Object) -> bool:
    """Whether a quota counts such a pod: one without a deadline, which asks for something."""
    spec = quota.get("spec", {})
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    scopes = {
        *spec.get("scopes", ()),
        *(term["scopeName"] for term in selected if term["scopeName"] != "PriorityClass"),
    }
    if scopes & {"Terminating", "BestEffort", "CrossNamespacePodAffinity"}:
        return False
    priority = pod.get("priorityClassName")
    return all(
        _matches(term, priority) for term in selected if term["scopeName"] == "PriorityClass"
    )


def _matches(term: Object, priority: str | None) -> bool:
    """A term over the pod's priority class."""
    match term["operator"]:
        case "In":
            return priority in term["values"]
        case "NotIn":
            return priority not in term["values"]
        case "Exists":
            return priority is not None
    return priority is None
