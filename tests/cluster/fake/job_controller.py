"""The Job controller: makes pods for Jobs, counts how they end, and ends Jobs.

Used by one thread. It waits for nobody: what a real one delays by its back-off happens at once.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tests.cluster.fake.job_rules import INDEX, exit_code, failure_action, index_of, intervals
from tests.cluster.fake.store import Object, Store, now

FINISHED = ("Complete", "Failed")
UNLIMITED = 2**31 - 1
LONGEST_STEM = 58  # characters of a pod's name before the five that are made up


class JobController:
    """All Jobs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pod_quota: int | None = None
        """Pods a namespace may have; beyond it creations fail, as with a ResourceQuota."""
        self._history: dict[str, _History] = {}

    def step(self) -> None:
        """Brings all Jobs and their pods one step on."""
        jobs = {job["metadata"]["uid"]: job for job in self._store.list("jobs")}
        owned: dict[str, list[Object]] = {uid: [] for uid in jobs}
        for pod in self._store.list("pods"):
            owner = _owner(pod)
            if owner in owned:
                owned[owner].append(pod)
            elif owner is not None:
                self._collect(pod)
        for uid, job in jobs.items():
            self._attend(job, owned[uid])

    def _collect(self, pod: Object) -> None:
        """Its Job is gone."""
        if "deletionTimestamp" not in pod["metadata"]:
            self._store.terminate(*_name(pod))
        elif _ended(pod):
            self._store.remove("pods", *_name(pod))

    def _attend(self, job: Object, pods: list[Object]) -> None:
        history = self._history.setdefault(job["metadata"]["uid"], _History())
        for pod in filter(_ended, pods):
            if pod["metadata"]["uid"] not in history.counted:
                self._count(job, pod, history)
            if "deletionTimestamp" in pod["metadata"]:
                self._store.remove("pods", *_name(pod))
        living = [pod for pod in pods if not _ended(pod)]
        spec = job["spec"]
        wanted: set[int] = set()
        if condition(job, *FINISHED) is None and not history.failure and not spec.get("suspend"):
            wanted = history.open(spec.get("completions", 1))
        unwanted = [
            pod
            for pod in living
            if index(pod) not in wanted and "deletionTimestamp" not in pod["metadata"]
        ]
        for pod in unwanted:
            self._store.terminate(*_name(pod))
        missing = sorted(wanted - {index(pod) for pod in living})
        room = spec.get("parallelism", 1) - len(living)
        made = sum(self._make(job, number) for number in missing[: max(0, room)])
        self._report(job, living, made, history)

    def _count(self, job: Object, pod: Object, history: _History) -> None:
        history.counted.add(pod["metadata"]["uid"])
        if pod["status"]["phase"] == "Succeeded":
            history.succeeded.add(index(pod))
            return
        action, rule = failure_action(job, pod)
        if action == "Ignore":
            return
        history.failures[index(pod)] += 1
        history.failed += 1
        spec = job["spec"]
        if action == "FailJob":
            where = f"pod {'/'.join(_name(pod))} failed with exit code {exit_code(pod)}"
            container = pod["spec"]["containers"][0]["name"]
            text = f"Container {container} for {where} matching FailJob rule at index {rule}"
            history.failure = ("PodFailurePolicy", text)
        elif action == "FailIndex" or (
            history.failures[index(pod)] > spec.get("backoffLimitPerIndex", UNLIMITED)
        ):
            history.given_up.add(index(pod))
        default = UNLIMITED if "backoffLimitPerIndex" in spec else 6
        if history.failed > spec.get("backoffLimit", default):
            history.failure = (
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            )

    def _make(self, job: Object, number: int) -> int:
        """A pod; gives how many that made."""
        metadata, namespace = job["metadata"], job["metadata"]["namespace"]
        indexed = job["spec"].get("completionMode") == "Indexed"
        end = f"-{number}-" if indexed else "-"
        stem = metadata["name"][: LONGEST_STEM - len(end)] + end
        used = len([pod for pod in self._store.list("pods", namespace) if not _ended(pod)])
        if self.pod_quota is not None and used >= self.pod_quota:
            text = (
                f'Error creating: pods "{stem}" is forbidden: exceeded quota: compute, requested: '
                f"pods=1, used: pods={used}, limited: pods={self.pod_quota}"
            )
            self._tell(job, "FailedCreate", text, "Warning")
            return 0
        pod = _pod(job, stem, number if indexed else None)
        name = self._store.create("pods", namespace, pod)["metadata"]["name"]
        self._tell(job, "SuccessfulCreate", f"Created pod: {name}", "Normal")
        return 1

    def _report(self, job: Object, living: list[Object], made: int, history: _History) -> None:
        """Writes the status."""
        completions = job["spec"].get("completions", 1)
        over = set(range(completions)) <= history.succeeded | history.given_up
        if over and history.given_up and not history.failure:
            history.failure = ("FailedIndexes", "Job has failed indexes")
        terminating = sum("deletionTimestamp" in pod["metadata"] for pod in living)
        ready = sum(pod["status"]["phase"] == "Running" for pod in living)

        def change(found: Object) -> None:
            status = found.setdefault("status", {})
            conditions = status.setdefault("conditions", [])
            status |= {
                "active": len(living) + made - terminating,
                "terminating": terminating,
                "ready": ready,
                "succeeded": len(history.succeeded),
                "failed": history.failed,
            }
            status.setdefault("startTime", now())
            if found["spec"].get("completionMode") == "Indexed":
                status["completedIndexes"] = intervals(history.succeeded)
                status["failedIndexes"] = intervals(history.given_up)
            _set(conditions, "Suspended", bool(found["spec"].get("suspend")), "JobSuspended", "")
            if condition(found, *FINISHED):
                return
            if history.failure:
                _set(conditions, "FailureTarget", True, *history.failure)
                if not living:
                    _set(conditions, "Failed", True, *history.failure)
            elif over and not living:
                _set(conditions, "SuccessCriteriaMet", True, "CompletionsReached", "")
                _set(conditions, "Complete", True, "CompletionsReached", "")
                status["completionTime"] = now()

        self._store.update("jobs", *_name(job), change)

    def _tell(self, about: Object, reason: str, message: str, kind: str) -> None:
        tell(self._store, "Job", about, reason, message, kind)


class _History:
    """What became of a Job's pods; the pods themselves may be gone."""

    def __init__(self) -> None:
        self.counted: set[str] = set()
        self.succeeded: set[int] = set()
        self.given_up: set[int] = set()
        self.failures: Counter[int] = Counter()
        self.failed = 0
        self.failure: tuple[str, str] | None = None

    def open(self, completions: int) -> set[int]:
        """Indices that are to have a pod."""
        return set(range(completions)) - self.succeeded - self.given_up


def condition(found: Object, *types: str) -> Object | None:
    """The first of these conditions that is true."""
    for each in (found.get("status") or {}).get("conditions") or []:
        if each["type"] in types and each["status"] == "True":
            result: Object = each
            return result
    return None


def tell(
    store: Store, kind: str, about: Object, reason: str, message: str, severity: str = "Warning"
) -> None:
    """Makes an event; one that says the same again is counted up instead, as the recorder does."""
    metadata = about["metadata"]
    for known in store.list("events", metadata["namespace"]):
        same = (known["involvedObject"]["name"], known["reason"], known["message"])
        if same == (metadata["name"], reason, message):
            return
    event: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}"},
        "involvedObject": {
            "kind": kind,
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "reason": reason,
        "message": message,
        "type": severity,
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
    }
    store.create("events", metadata["namespace"], event)


def index(pod: Object) -> int:
    """Its completion index; 0 for a pod of a Job without."""
    return index_of(pod) if INDEX in pod["metadata"].get("annotations", {}) else 0


def _pod(job: Object, stem: str, number: int | None) -> Object:
    template, metadata = job["spec"]["template"], job["metadata"]
    given = template.get("metadata") or {}
    labels = {
        "batch.kubernetes.io/job-name": metadata["name"],
        "batch.kubernetes.io/controller-uid": metadata["uid"],
        "job-name": metadata["name"],
    }
    annotations = dict(given.get("annotations") or {})
    if number is not None:
        labels[INDEX] = annotations[INDEX] = str(number)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": stem,
            "labels": {**(given.get("labels") or {}), **labels},
            "annotations": annotations,
            "finalizers": ["batch.kubernetes.io/job-tracking"],
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending"},
    }


def _set(conditions: list[Object], kind: str, value: bool, reason: str, message: str) -> None:
    known = next((each for each in conditions if each["type"] == kind), None)
    if known is None and value:
        conditions.append({"type": kind, "status": "True", "reason": reason, "message": message})
    elif known is not None:
        known["status"] = str(value)


def _owner(pod: Object) -> str | None:
    for owner in pod["metadata"].get("ownerReferences", []):
        return str(owner["uid"])
    return None


def _ended(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _name(found: Object) -> tuple[str, str]:
    return found["metadata"]["namespace"], found["metadata"]["name"]
