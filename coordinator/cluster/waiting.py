"""Why does it not start? Reads what the cluster says of pods, events and volume claims, and gives
one line for a person: what is missing, and what to do.

Takes objects as the API gives them (`GET pods`, `GET events`, `GET persistentvolumeclaims` of one
namespace: their items, those alone that are waited for). Knows nothing of where they come from, nor
of what the pods are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.cluster.wordings import (
    claim_wording,
    container_wording,
    creation_wording,
    mount_wording,
    scheduling_wording,
)
from study.errors import one_line

Object = Mapping[str, Any]

BROKEN_SANDBOX = ("FailedAttachVolume", "FailedMount", "FailedCreatePodSandBox")
UNREADY = ("Unhealthy",)
PROVISIONING = ("FailedBinding", "ProvisioningFailed")


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something waits."""

    text: str
    """One line for a person."""
    settled: bool
    """Whether waiting longer cannot help: somebody has to do something."""


def why_waiting(
    pods: Sequence[Object], events: Sequence[Object], volume_claims: Sequence[Object]
) -> str:
    """The reason as one line; empty where nothing waits."""
    reason = find_reason(pods, events, volume_claims)
    return "" if reason is None else reason.text


def find_reason(
    pods: Sequence[Object], events: Sequence[Object], volume_claims: Sequence[Object]
) -> Reason | None:
    """What is most worth telling: a reason that will not pass by itself before one that may."""
    found = [
        *_of_containers(pods),
        *_of_claims(volume_claims, events, pods),
        *_of_creations(events),
        *_of_scheduling(pods),
        *_of_mounts(pods, events),
        *_of_probes(pods, events),
    ]
    found.sort(key=lambda reason: not reason.settled)  # keeps the order within each kind
    if found:
        return found[0]
    waiting = [pod for pod in pods if _is_pending(pod)]
    if not waiting:
        return None
    return _reason(waiting, "its containers are being created", settled=False)


def _of_containers(pods: Sequence[Object]) -> Iterator[Reason]:
    """Images, Secrets and programs that end at once. Pods with the same trouble are told once."""
    told: dict[tuple[str, bool], list[Object]] = {}
    for pod in pods:
        for container in _containers(pod):
            wording = container_wording(container)
            if wording is not None:
                told.setdefault(wording, []).append(pod)
    for (text, settled), where in told.items():
        yield _reason(where, text, settled=settled)


def _of_claims(
    claims: Sequence[Object], events: Sequence[Object], pods: Sequence[Object]
) -> Iterator[Reason]:
    used = {name for pod in pods if _is_pending(pod) for name in _claims_of(pod)}
    for claim in claims:
        name = claim["metadata"]["name"]
        if claim.get("status", {}).get("phase") == "Bound" or (pods and name not in used):
            continue  # one that no pod asks for waits for its first consumer
        messages = _messages(events, "PersistentVolumeClaim", name, PROVISIONING)
        wording = claim_wording(claim, messages[-1] if messages else "")
        if wording is not None:
            text, settled = wording
            yield Reason(text=one_line(text), settled=settled)


def _of_creations(events: Sequence[Object]) -> Iterator[Reason]:
    """Pods that do not even exist: quota, pod security. A later success makes them history."""
    latest: dict[tuple[str, str], Object] = {}
    for event in sorted(events, key=_time):
        if event.get("reason") in ("FailedCreate", "SuccessfulCreate"):
            about = event["involvedObject"]
            latest[about.get("kind", ""), about.get("name", "")] = event
    for (kind, name), event in latest.items():
        if event["reason"] == "FailedCreate":
            text, settled = creation_wording(event.get("message", ""))
            yield Reason(text=one_line(f"{kind} {name}: {text}"), settled=settled)


def _of_scheduling(pods: Sequence[Object]) -> Iterator[Reason]:
    told: dict[tuple[str, bool], list[Object]] = {}
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                wording = scheduling_wording(
                    condition.get("reason", ""), condition.get("message", "")
                )
                told.setdefault(wording, []).append(pod)
    for (text, settled), where in told.items():
        yield _reason(where, text, settled=settled)


def _of_mounts(pods: Sequence[Object], events: Sequence[Object]) -> Iterator[Reason]:
    for pod in filter(_is_pending, pods):
        messages = _messages(events, "Pod", pod["metadata"]["name"], BROKEN_SANDBOX)
        if messages:
            yield _reason([pod], mount_wording(messages[-1]), settled=False)


def _of_probes(pods: Sequence[Object], events: Sequence[Object]) -> Iterator[Reason]:
    for pod in pods:
        status = pod.get("status", {})
        ready = all(container.get("ready") for container in status.get("containerStatuses") or ())
        if status.get("phase") == "Running" and not ready:
            messages = _messages(events, "Pod", pod["metadata"]["name"], UNREADY)
            if messages:
                text = f"it runs but is not ready: {one_line(messages[-1].strip())}"
                yield _reason([pod], text, settled=False)


def _reason(pods: Sequence[Object], text: str, *, settled: bool) -> Reason:
    others = f" and {len(pods) - 1} more" if len(pods) > 1 else ""
    name = pods[0]["metadata"]["name"]
    return Reason(text=one_line(f"pod {name}{others}: {text}"), settled=settled)


def _is_pending(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase", "Pending") == "Pending")


def _containers(pod: Object) -> Iterator[Object]:
    status = pod.get("status", {})
    if status.get("phase") in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"]:
        return
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _claims_of(pod: Object) -> Iterator[str]:
    for volume in pod.get("spec", {}).get("volumes", ()):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _messages(events: Iterable[Object], kind: str, name: str, reasons: Sequence[str]) -> list[str]:
    """Messages of the events about one object, the oldest first."""
    return [
        event.get("message", "")
        for event in sorted(events, key=_time)
        if event.get("reason") in reasons
        and event["involvedObject"].get("kind") == kind
        and event["involvedObject"].get("name") == name
    ]


def _time(event: Object) -> str:
    """When it was last seen; RFC 3339 times of one server sort as text to the second."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    found = next((time for time in times if time), "")
    return str(found)[:19]
