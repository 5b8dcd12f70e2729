"""What an end of a pod says of its Job, as Kubernetes' podFailurePolicy: a worker's exit status is
all it needs to know.

Pure functions to dictionaries. An end that no rule is about counts against the Job's retries.
"""

from __future__ import annotations

from typing import Any

from study import exit_codes

Object = dict[str, Any]


def policy(container: str) -> Object:
    """Of a pod that runs a verb to its end in the container of that name."""
    return {"rules": [*_unharmed(container), _hopeless(container)]}


def worker_policy(container: str) -> Object:
    """Of a worker's: a device may break, which others do not share."""
    broken = {
        "action": "FailIndex",
        "onExitCodes": _exit(container, exit_codes.BROKEN_DEVICE),
    }
    return {"rules": [*policy(container)["rules"], broken]}


def _unharmed(container: str) -> list[Object]:
    """Ends that say nothing against a pod: another takes its place, and nothing is counted."""
    disruption = {"type": "DisruptionTarget", "status": "True"}
    return [
        {"action": "Ignore", "onPodConditions": [disruption]},
        {"action": "Ignore", "onExitCodes": _exit(container, exit_codes.PREEMPTED)},
    ]


def _hopeless(container: str) -> Object:
    """An end after which no pod could do better."""
    return {"action": "FailJob", "onExitCodes": _exit(container, exit_codes.USAGE)}


def _exit(container: str, status: int) -> Object:
    return {"containerName": container, "operator": "In", "values": [status]}
