"""Jobs of a study, filled from the PodTemplates of the deployment: pure functions from dictionaries
to dictionaries.

A PodTemplate says what a pod of the site looks like (overlays patch it); what is added here depends
on the study. Labels and annotations of a PodTemplate go onto its Jobs: a queue's name for example.
Knows nothing of when a Job is made (decide.py).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from coordinator.cluster.containers import CONFIGURED, container_of, fill, mount
from coordinator.cluster.failure_policy import policy, worker_policy
from coordinator.cluster.records import CONFIGURATION, REVISION, WORKERS, labels_of, name_of
from study.config.data import DataConfig
from study.config.records import ResourcesConfig

Object = dict[str, Any]

MADE_FOR = "hpo.made-for"  # annotation: what makes another Job necessary when it changes
QUEUE = "kueue.x-k8s.io/queue-name"  # label; its controller starts what was made suspended
PARTIAL = "kueue.x-k8s.io/job-"  # annotations on how few pods may start; refused where one is all
KEPT_SECONDS = 24 * 3600  # a Job that has ended and its pods, for their logs
INDEX_RETRIES = 6  # crashes of one worker index; evictions and exits by SIGTERM do not count
RETRIES = 3  # of a Job that runs a verb to its end
NOT_COPIED = ("kubectl.kubernetes.io/", "app.kubernetes.io/managed-by")  # of the template's own


def worker_job(
    template: Object, study: str, resources: ResourcesConfig, *, workers: int, revision: int
) -> Object:
    """N workers, as indices of one Job. An index is complete when its worker finds the budget
    spent. revision: of the request, here and below."""
    job = _job(template, "worker", study, revision, made_for=worker_purpose(resources))
    if workers == 1:
        _start_whole(job)
    job["metadata"]["annotations"][WORKERS] = str(workers)
    job["spec"] |= {
        "completionMode": "Indexed",
        "completions": workers,
        "parallelism": workers,
        "backoffLimitPerIndex": INDEX_RETRIES,
        "podReplacementPolicy": "Failed",  # a worker that checkpoints keeps its GPU until it ends
        "podFailurePolicy": worker_policy("worker"),
    }
    fill(job, "worker", study, resources, ["run"])
    return job


def scale_patch(workers: int) -> Object:
    """Another number of workers; completions follow parallelism only in one and the same patch."""
    return {
        "metadata": {"annotations": {WORKERS: str(workers)}},
        "spec": {"completions": workers, "parallelism": workers},
    }


def prepare_job(template: Object, study: str, data: DataConfig, *, revision: int) -> Object:
    """Packs the pictures of the request's configuration."""
    job = _once(template, "prepare", "prepare", study, revision, made_for=prepare_purpose(data))
    fill(job, "prepare", study, None, ["prepare", f"{CONFIGURED}/{CONFIGURATION}"])
    mount(job, name_of("request", study))
    return job


def measure_job(
    template: Object,
    study: str,
    resources: ResourcesConfig,
    candidates: Sequence[int],
    arguments: Sequence[str],
    *,
    revision: int,
) -> Object:
    """Measures candidates again, on the kind of machine that trained them. template: the worker's.
    arguments: of `hpo-worker`."""
    purpose = measure_purpose(candidates)
    job = _once(template, "measure", "worker", study, revision, made_for=purpose)
    fill(job, "worker", study, resources, arguments)
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
    job = _once(template, "plan", "worker", study, 0, made_for="")
    job["spec"]["backoffLimit"] = 0
    fill(job, "worker", study, resources, arguments)
    mount(job, configuration)
    return job


def worker_purpose(resources: ResourcesConfig) -> str:
    """Workers that run with other resources are of no use."""
    return _digest(resources)


def prepare_purpose(data: DataConfig) -> str:
    """A data set that is packed in another way is another one."""
    return _digest(data)


def measure_purpose(candidates: Sequence[int]) -> str:
    """The trials that are measured."""
    return "-".join(map(str, candidates))


def _digest(record: BaseModel) -> str:
    return hashlib.sha256(record.model_dump_json().encode()).hexdigest()[:16]


def _job(template: Object, role: str, study: str, revision: int, *, made_for: str) -> Object:
    """What all Jobs have in common."""
    metadata = template["metadata"]
    pod = copy.deepcopy(template["template"])
    pod_metadata = pod.setdefault("metadata", {})
    pod_metadata["labels"] = {**(pod_metadata.get("labels") or {}), **labels_of(role, study)}
    pod["spec"]["restartPolicy"] = "Never"
    labels = {**_copied(metadata.get("labels")), **labels_of(role, study)}
    annotations = {
        **_copied(metadata.get("annotations")),
        REVISION: str(revision),
        MADE_FOR: made_for,
    }
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


def _once(
    template: Object, role: str, container: str, study: str, revision: int, *, made_for: str
) -> Object:
    """A Job of one pod that runs a verb to its end."""
    job = _job(template, role, study, revision, made_for=made_for)
    job["spec"] |= {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": RETRIES,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": policy(container),
    }
    _start_whole(job)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):  # of a worker that serves
        container_of(job, container).pop(probe, None)
    return job


def _start_whole(job: Object) -> None:
    annotations = job["metadata"]["annotations"]
    for name in [name for name in annotations if name.startswith(PARTIAL)]:
        del annotations[name]


def _copied(given: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (given or {}).items() if not name.startswith(NOT_COPIED)}
