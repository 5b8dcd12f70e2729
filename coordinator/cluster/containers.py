"""The container of a Job's pod, filled with what depends on the study: its arguments, where its
result goes, what it may use, its configuration.

Changes the dictionaries it is given. Knows nothing of the Job around them (jobs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coordinator.cluster.records import CONFIGURATION
from coordinator.cluster.refusals import Invalid
from study.config.records import ResourcesConfig

Object = dict[str, Any]

RESULT = "/dev/termination-log"  # where a pod leaves its result, and Kubernetes' default
CONFIGURED = "/etc/hpo"  # where a pod finds the configuration of its study
GIB = 1024  # MiB
GPU = "nvidia.com/gpu"


def fill(
    job: Object,
    container_name: str,
    study: str,
    resources: ResourcesConfig | None,
    arguments: Sequence[str],
) -> None:
    container = container_of(job, container_name)
    container["args"] = list(arguments)
    container["terminationMessagePath"] = RESULT
    container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    _set(container, "HPO_STUDY", study)
    _set(container, "HPO_RESULT", RESULT)
    if resources is not None:
        container["resources"] = _resources(container.get("resources") or {}, resources)


def mount(job: Object, config_map: str) -> None:
    spec = job["spec"]["template"]["spec"]
    items = [{"key": CONFIGURATION, "path": CONFIGURATION}]
    volume = {"name": "study", "configMap": {"name": config_map, "items": items}}
    spec["volumes"] = [*(spec.get("volumes") or []), volume]
    mount = {"name": "study", "mountPath": CONFIGURED, "readOnly": True}
    container = spec["containers"][0]
    container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]


def _resources(given: Object, wanted: ResourcesConfig) -> Object:
    """What the template gives, but for what the study says."""
    requests, limits = dict(given.get("requests") or {}), dict(given.get("limits") or {})
    if wanted.cpus is not None:
        requests["cpu"] = limits["cpu"] = f"{round(wanted.cpus * 1000)}m"
    if wanted.memory_gib is not None:
        requests["memory"] = limits["memory"] = f"{round(wanted.memory_gib * GIB)}Mi"
    if wanted.gpus is not None:
        known = [name for name in {**limits, **requests} if "gpu" in name]
        for name in known:
            requests.pop(name, None)
            limits.pop(name, None)
        if wanted.gpus:
            name = known[0] if known else GPU
            requests[name] = limits[name] = str(wanted.gpus)  # must be the same
    return {**given, "requests": requests, "limits": limits}


def container_of(job: Object, name: str) -> Object:
    containers: list[Object] = job["spec"]["template"]["spec"]["containers"]
    for container in containers:
        if container["name"] == name:
            return container
    names = ", ".join(container["name"] for container in containers) or "none"
    raise Invalid(
        f"the pod template of the deployment has no container {name!r}, but {names}: make deploy"
    )


def _set(container: Object, name: str, value: str) -> None:
    others = [item for item in container.get("env") or [] if item["name"] != name]
    container["env"] = [*others, {"name": name, "value": value}]
