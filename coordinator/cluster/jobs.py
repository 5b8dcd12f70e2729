"""Jobs of a study, filled from the PodTemplates of the deployment: pure functions from dictionaries
to dictionaries.

A PodTemplate says what a pod of the site looks like (overlays patch it); what is added here depends
on the study. Labels and annotations of a PodTemplate go onto its Jobs: a queue's name for example.
Knows nothing of when a Job is made (decide.py).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from coordinator.cluster.records import (
    CONFIGURATION,
    REVISION,
    WORKERS,
    labels_of,
    name_of,
)
from study import exit_codes
from study.config.records import ResourcesConfig

Object = dict[str, Any]

QUEUE = "kueue.x-k8s.io/queue-name"  # label; its controller starts what was made suspended
RESULT = "/dev/termination-log"  # where a pod leaves its result, and Kubernetes' default
CONFIGURED = "/etc/hpo"  # where a pod finds the configuration of its study
PARTIAL = "kueue.x-k8s.io/job-"  # annotations on how few pods may start; refused where one is all
KEPT_SECONDS = 24 * 3600  # a Job that has ended and its pods, for their logs
INDEX_RETRIES = 6  # crashes of one worker index; evictions and exits by SIGTERM do not count
RETRIES = 3  # of a Job that runs a verb to its end
GIB = 1024  # MiB
NOT_COPIED = ("kubectl.kubernetes.io/", "app.kubernetes.io/managed-by")  # of the template's own
GPU = "nvidia.com/gpu"


def worker_job(
    template: Object, study: str, resources: ResourcesConfig, *, workers: int, revision: int
) -> Object:
    """N workers, as indices of one Job. An index is complete when its worker finds the budget
    spent."""
    job = _job(template, "worker", study, revision)
    if workers == 1:
        _start_whole(job)
    job["metadata"]["annotations"][WORKERS] = str(workers)
    job["spec"] |= {
        "completionMode": "Indexed",
        "completions": workers,
        "parallelism": workers,
        "backoffLimitPerIndex": INDEX_RETRIES,
        "podReplacementPolicy": "Failed",  # a worker that checkpoints keeps its GPU until it ends
        "podFailurePolicy": {"rules": [*_unharmed("worker"), *_hopeless("worker"), _broken()]},
    }
    _fill(job, "worker", study, resources, ["run"])
    return job


def scale_patch(workers: int) -> Object:
    """Another number of workers; completions follow parallelism only in one and the same patch."""
    return {
        "metadata": {"annotations": {WORKERS: str(workers)}},
        "spec": {"completions": workers, "parallelism": workers},
    }


def prepare_job(template: Object, study: str, *, revision: int) -> Object:
    """Packs the pictures of the request's configuration."""
    job = _once(template, "prepare", "prepare", study, revision)
    _fill(job, "prepare", study, None, ["prepare", f"{CONFIGURED}/{CONFIGURATION}"])
    _mount(job, name_of("request", study))
    return job


def measure_job(
    template: Object,
    study: str,
    resources: ResourcesConfig,
    arguments: Sequence[str],
    *,
    revision: int,
) -> Object:
    """Measures candidates again, on the kind of machine that trained them. template: the worker's.
    arguments: of `hpo-worker`."""
    job = _once(template, "measure", "worker", study, revision)
    _fill(job, "worker", study, resources, arguments)
    return job


def plan_job(
    template: Object,
    study: str,
    resources: ResourcesConfig,
    arguments: Sequence[str],
    *,
    configuration: str,
) -> Object:
    """Trains for a moment, to see how long a trial takes. template: the worker's. configuration:
    name of the ConfigMap that has it."""
    job = _once(template, "plan", "worker", study, 0)
    job["spec"]["backoffLimit"] = 0
    _fill(job, "worker", study, resources, arguments)
    _mount(job, configuration)
    return job


def _job(template: Object, role: str, study: str, revision: int) -> Object:
    """What all Jobs have in common."""
    metadata = template["metadata"]
    pod = copy.deepcopy(template["template"])
    pod_metadata = pod.setdefault("metadata", {})
    pod_metadata["labels"] = {**(pod_metadata.get("labels") or {}), **labels_of(role, study)}
    pod["spec"]["restartPolicy"] = "Never"
    labels = {**_copied(metadata.get("labels")), **labels_of(role, study)}
    annotations = {**_copied(metadata.get("annotations")), REVISION: str(revision)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name_of(role, study), "labels": labels, "annotations": annotations},
        "spec": {
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            **({"suspend": True} if QUEUE in labels else {}),
            "template": pod,
        },
    }


def _once(template: Object, role: str, container: str, study: str, revision: int) -> Object:
    """A Job of one pod that runs a verb to its end."""
    job = _job(template, role, study, revision)
    job["spec"] |= {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": RETRIES,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [*_unharmed(container), *_hopeless(container)]},
    }
    _start_whole(job)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):  # of a worker that serves
        _container(job, container).pop(probe, None)
    return job


def _start_whole(job: Object) -> None:
    annotations = job["metadata"]["annotations"]
    for name in [name for name in annotations if name.startswith(PARTIAL)]:
        del annotations[name]


def _fill(
    job: Object,
    container_name: str,
    study: str,
    resources: ResourcesConfig | None,
    arguments: Sequence[str],
) -> None:
    container = _container(job, container_name)
    container["args"] = list(arguments)
    container["terminationMessagePath"] = RESULT
    container["terminationMessagePolicy"] = "FallbackToLogsOnError"
    _set(container, "HPO_STUDY", study)
    _set(container, "HPO_RESULT", RESULT)
    if resources is not None:
        container["resources"] = _resources(container.get("resources") or {}, resources)


def _mount(job: Object, config_map: str) -> None:
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


def _unharmed(container: str) -> list[Object]:
    """Ends that say nothing against a pod: another takes its place, and nothing is counted."""
    disruption = {"type": "DisruptionTarget", "status": "True"}
    return [
        {"action": "Ignore", "onPodConditions": [disruption]},
        {"action": "Ignore", "onExitCodes": _exit(container, exit_codes.PREEMPTED)},
    ]


def _hopeless(container: str) -> list[Object]:
    """Ends after which no pod could do better."""
    return [{"action": "FailJob", "onExitCodes": _exit(container, exit_codes.USAGE)}]


def _broken() -> Object:
    return {"action": "FailIndex", "onExitCodes": _exit("worker", exit_codes.BROKEN_DEVICE)}


def _exit(container: str, status: int) -> Object:
    return {"containerName": container, "operator": "In", "values": [status]}


def _container(job: Object, name: str) -> Object:
    containers: list[Object] = job["spec"]["template"]["spec"]["containers"]
    return next(container for container in containers if container["name"] == name)


def _set(container: Object, name: str, value: str) -> None:
    others = [item for item in container.get("env") or [] if item["name"] != name]
    container["env"] = [*others, {"name": name, "value": value}]


def _copied(given: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (given or {}).items() if not name.startswith(NOT_COPIED)}
