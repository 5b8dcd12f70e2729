"""Pods and Jobs as the cluster has them, made into what is seen of them (seen.py).

Knows nothing of what follows from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from coordinator.cluster.jobs import MADE_FOR, QUEUE
from coordinator.cluster.records import EPOCH, REVISION, ROLE, TRIAL, WORKERS, name_of
from coordinator.cluster.service.seen import SeenJob, SeenPod

Object = Mapping[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"
LONGEST_STEM = 58  # characters of a pod's name before what the API server makes up


def see_pod(pod: Object) -> SeenPod:
    """From a pod."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    annotations = metadata.get("annotations") or {}
    ended = _terminated(status)
    owners = metadata.get("ownerReferences") or [{}]
    return SeenPod(
        name=metadata["name"],
        role=metadata["labels"].get(ROLE, ""),
        job_uid=owners[0].get("uid", ""),
        index=int(annotations.get(INDEX, 0)),
        created=metadata.get("creationTimestamp", ""),
        phase=status.get("phase", "Pending"),
        scheduled=_is_scheduled(status),
        leaving="deletionTimestamp" in metadata,
        exit_status=ended.get("exitCode"),
        message=ended.get("message", ""),
        trial=annotations.get(TRIAL, ""),
        epoch=annotations.get(EPOCH, ""),
    )


def see_job(job: Object) -> SeenJob:
    """From a Job."""
    metadata, spec = job["metadata"], job["spec"]
    annotations = metadata.get("annotations") or {}
    status = job.get("status") or {}
    ends = {
        each["type"]: each
        for each in status.get("conditions") or ()
        if each["status"] == "True" and each["type"] in ("Complete", "Failed", "FailureTarget")
    }
    failed = ends.get("Failed") or ends.get("FailureTarget") or {}
    return SeenJob(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=_number(annotations.get(REVISION)),
        made_for=annotations.get(MADE_FOR, ""),
        workers=_number(annotations.get(WORKERS)),
        parallelism=spec.get("parallelism", 1),
        completions=spec.get("completions", 1),
        queued=QUEUE in (metadata.get("labels") or {}),
        suspended=bool(spec.get("suspend")),
        deleting="deletionTimestamp" in metadata,
        outcome="complete" if "Complete" in ends else "failed" if "Failed" in ends else "",
        reason=failed.get("reason", ""),
        message=failed.get("message", ""),
        failed_indexes=status.get("failedIndexes", ""),
    )


def result_of(pods: Sequence[SeenPod]) -> dict[str, Any]:
    """What the newest pod that succeeded left; empty where none did or its words are lost."""
    for pod in sorted(pods, key=lambda pod: pod.created, reverse=True):
        if pod.phase == "Succeeded":
            try:
                found = json.loads(pod.message)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def is_worker_of(name: str, study: str) -> bool:
    """Whether a holder of a trial is a pod of the study's worker Job, this one or one before. The
    Job controller cuts a long name before its index."""
    found = re.fullmatch(r"(.+)(-\d+-)[a-z0-9]{5}", name)
    if found is None:
        return False
    return found[1] == name_of("worker", study)[: LONGEST_STEM - len(found[2])]


def _is_scheduled(status: Object) -> bool:
    return any(
        condition["type"] == "PodScheduled" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )


def _terminated(status: Object) -> Object:
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if "terminated" in state:
            found: Object = state["terminated"]
            return found
    return {}


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
