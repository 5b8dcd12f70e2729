"""What the cluster says when something does not start, in words that say what to do.

Each function takes the cluster's own wording and gives a line for a person and whether waiting
longer cannot help. Knows nothing of events and lists; see waiting.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Wording = tuple[str, bool]
"""A line, and whether waiting longer cannot help."""

PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
LONGEST = 300  # characters of what the cluster says; a scheduler names every node


def container_wording(container: Mapping[str, Any]) -> Wording | None:
    """From an item of containerStatuses; None for a container that runs or is about to."""
    waiting = container.get("state", {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), _short(waiting.get("message", ""))
    if reason in PULL:
        # the first failure may be the registry's passing mood
        return _pull_wording(container["image"], message), reason != "ErrImagePull"
    if reason == "CreateContainerConfigError":
        return f"{message}; `make deploy` makes the Secrets and ConfigMaps it needs", True
    if reason == "CrashLoopBackOff":
        return f"{container['name']} ends again and again: {_last_words(container)}", True
    if reason in ("CreateContainerError", "RunContainerError"):
        return f"{container['name']} cannot be started: {message}", True
    return None


def claim_wording(claim: Mapping[str, Any], message: str) -> Wording | None:
    """From a claim that is not bound and the last event that says why; None where the claim waits
    as it should, for its first pod for example."""
    name, spec = claim["metadata"]["name"], claim.get("spec", {})
    if "storageClassName" not in spec and not spec.get("volumeName"):
        return (
            f"volume {name}: the cluster has no default StorageClass; make one the default: "
            "kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true",
            bool(message),  # the cluster has looked for a volume that somebody made by hand
        )
    missing = re.search(r'storageclass\S* "([^"]+)" not found', message)
    if missing:
        return f"volume {name}: there is no StorageClass {missing[1]!r}", True
    if "access mode" in message.lower():
        modes = ", ".join(spec.get("accessModes", ()))
        return (
            f"volume {name}: StorageClass {spec.get('storageClassName')} cannot give {modes}: "
            f"{_short(message)}; deploy without component rwx, or onto a class that can",
            True,
        )
    return (f"volume {name}: {_short(message)}", False) if message else None


def creation_wording(message: str) -> Wording:
    """From a FailedCreate event of what should have made a pod."""
    quota = re.search(r"exceeded quota: .*", message, re.DOTALL)
    if quota:
        return (
            f"{_short(quota[0])}; ask for fewer workers, or free some of the namespace's quota",
            True,
        )
    if "violates PodSecurity" in message:
        return f"the namespace's pod security refuses its pod: {_short(message)}", True
    if "must specify" in message:  # a quota on what the pod leaves open
        return f"the namespace's quota wants more said: {_short(message)}", True
    return f"its pod cannot be made: {_short(message)}", False


def scheduling_wording(reason: str, message: str) -> Wording:
    """From a pod's condition PodScheduled=False."""
    if reason == "SchedulingGated":
        return "it waits for its queue to admit it", False
    lacking = sorted(set(re.findall(r"Insufficient ([\w./-]+?)[,.]?(?=\s|$)", message)))
    gpus = [name for name in lacking if "gpu" in name]
    if gpus:
        return (
            f"no node has a free {gpus[0]}: wait for one, ask for fewer workers, or run without: "
            f"make deploy OVERLAY=cpu ({_short(message)})",
            False,
        )
    if lacking:
        return f"no node has enough {' and '.join(lacking)} left ({_short(message)})", False
    if re.search("volume node affinity|PersistentVolume's node affinity", message):
        return (
            "its volumes are on another node than the one it may run on; volumes for several "
            f"nodes: make deploy COMPONENTS=rwx ({_short(message)})",
            False,
        )
    return f"no node takes it: {_short(message)}" if message else "it waits for a node", False


def mount_wording(message: str) -> str:
    """From an event about the pod's volumes or network."""
    if "Multi-Attach" in message:
        return (
            "a volume is in use on another node, and can be attached to one alone; volumes for "
            f"several nodes: make deploy COMPONENTS=rwx ({_short(message)})"
        )
    return _short(message)


def _pull_wording(image: str, message: str) -> str:
    said = f": {message}" if message else ""
    return (
        f"image {image} cannot be pulled{said}; load it onto the nodes, or name where it is: "
        "make deploy IMAGE_PREFIX=registry.example/team/ TAG=..."
    )


def _last_words(container: Mapping[str, Any]) -> str:
    """What a container said before it ended, which its termination message is."""
    ended = container.get("lastState", {}).get("terminated") or {}
    message = _short(ended.get("message", ""))
    if ended.get("reason") == "OOMKilled":
        return "out of memory; raise its memory limit"
    return message or f"exit status {ended.get('exitCode', 'unknown')}"


def _short(text: str) -> str:
    """On one line, the end cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
