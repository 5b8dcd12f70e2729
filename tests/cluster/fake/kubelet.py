"""Scheduler and kubelet of the one node: pods become processes, their ends become statuses.

Used by one thread, but for `logs`. Knows nothing of Jobs.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.fake.job_controller import tell
from tests.cluster.fake.mounts import Mounts
from tests.cluster.fake.pod_process import Image, PodProcess
from tests.cluster.fake.store import Object, Store, now

MESSAGE_BYTES = 2048  # of FallbackToLogsOnError


@dataclass
class _Container:
    process: PodProcess
    message: Path
    log: Path
    started: str
    killed_at: float | None = None
    """Monotonic seconds when SIGKILL follows SIGTERM."""


@dataclass
class Kubelet:
    """The node."""

    store: Store
    folder: Path
    image: Image
    capacity: int = 16
    """Pods it can run; one more is Unschedulable."""
    unpullable: set[str] = field(default_factory=set)
    """Images no registry has."""
    environment: dict[str, str] = field(default_factory=dict)
    """Put into every container, for light workers to behave by."""
    _containers: dict[str, _Container] = field(default_factory=dict)

    @property
    def claims(self) -> Path:
        """Where persistent volumes are, a folder for each claim."""
        return self.folder / "claims"

    def step(self) -> None:
        """Brings all pods one step on."""
        pods = self.store.list("pods")
        for pod in pods:
            container = self._containers.get(pod["metadata"]["uid"])
            if _ended(pod):
                continue
            if container is not None:
                self._attend(pod, container)
            elif "deletionTimestamp" in pod["metadata"]:
                self._change(pod, {"phase": "Failed", "reason": "Deleted"})
            else:
                self._admit(pod)

    def kill(self, name: str) -> None:
        """SIGKILL to a pod's process, as the kernel does where memory is short."""
        for pod in self.store.list("pods"):
            if pod["metadata"]["name"] == name:
                self._containers[pod["metadata"]["uid"]].process.signal(signal.SIGKILL)

    def logs(self, name: str, lines: int | None) -> str:
        """The end of what a pod printed."""
        file = self._folder(name) / "log"
        printed = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "".join(f"{line}\n" for line in (printed[-lines:] if lines else printed))

    def stop(self) -> None:
        """Kills what runs."""
        for container in self._containers.values():
            container.process.signal(signal.SIGKILL)
        deadline = time.monotonic() + 5
        for container in self._containers.values():
            while container.process.exit_code() is None and time.monotonic() < deadline:
                time.sleep(0.01)

    def _admit(self, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if sum(c.process.exit_code() is None for c in self._containers.values()) >= self.capacity:
            text = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
            self._pend(pod, "False", reason="Unschedulable", message=text)
            return
        container = pod["spec"]["containers"][0]
        if container["image"] in self.unpullable:
            message = f'Back-off pulling image "{container["image"]}"'
            self._wait(pod, "ImagePullBackOff", message)
            return
        folder = self._folder(name)
        (folder / "dev").mkdir(parents=True, exist_ok=True)
        try:
            mounts = Mounts(self.store, pod, self.claims, folder)
        except LookupError as error:
            text = f'MountVolume.SetUp failed for volume "v" : {error.args[0]}'
            tell(self.store, "Pod", pod, "FailedMount", text)
            self._wait(pod, "ContainerCreating", "")
            return
        self._start(pod, mounts, folder)

    def _start(self, pod: Object, mounts: Mounts, folder: Path) -> None:
        spec = pod["spec"]["containers"][0]
        environment = {
            item["name"]: mounts.local(_value(item, pod)) for item in spec.get("env", [])
        }
        arguments = [mounts.local(argument) for argument in spec.get("args", [])]
        log = folder / "log"
        log.touch()  # the runtime's, so it is there however soon the process ends
        process = self.image(arguments, {**environment, **self.environment}, log)
        message = Path(mounts.local(spec.get("terminationMessagePath", "/dev/termination-log")))
        self._containers[pod["metadata"]["uid"]] = _Container(process, message, log, now())
        self._change(
            pod,
            {
                "phase": "Running",
                "startTime": now(),
                "conditions": [
                    *_kept(pod),
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "Ready", "status": "True"},
                ],
                "containerStatuses": [_status(spec, {"running": {"startedAt": now()}}, True)],
            },
        )

    def _attend(self, pod: Object, container: _Container) -> None:
        code = container.process.exit_code()
        if code is not None:
            self._end(pod, container, code)
        elif "deletionTimestamp" in pod["metadata"]:
            grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
            if container.killed_at is None:
                container.killed_at = time.monotonic() + grace
                container.process.signal(signal.SIGTERM)
            elif time.monotonic() > container.killed_at:
                container.process.signal(signal.SIGKILL)

    def _end(self, pod: Object, container: _Container, code: int) -> None:
        spec = pod["spec"]["containers"][0]
        said = container.message.read_text() if container.message.exists() else ""
        if not said and code and spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            said = container.log.read_text(errors="replace")[-MESSAGE_BYTES:]
        terminated = {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": container.started,
            "finishedAt": now(),
            **({"message": said[:4096]} if said else {}),
        }
        self._change(
            pod,
            {
                "phase": "Succeeded" if code == 0 else "Failed",
                "containerStatuses": [_status(spec, {"terminated": terminated}, False)],
            },
        )

    def _pend(self, pod: Object, scheduled: str, **more: str) -> None:
        condition = {"type": "PodScheduled", "status": scheduled, **more}
        self._change(pod, {"phase": "Pending", "conditions": [*_kept(pod), condition]})

    def _wait(self, pod: Object, reason: str, message: str) -> None:
        waiting = {"waiting": {"reason": reason, "message": message}}
        spec = pod["spec"]["containers"][0]
        scheduled = {"type": "PodScheduled", "status": "True"}
        self._change(
            pod,
            {
                "phase": "Pending",
                "conditions": [*_kept(pod), scheduled],
                "containerStatuses": [_status(spec, waiting, False)],
            },
        )

    def _change(self, pod: Object, status: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        self.store.update(
            "pods",
            metadata["namespace"],
            metadata["name"],
            lambda found: found.setdefault("status", {}).update(status),
        )

    def _folder(self, name: str) -> Path:
        return self.folder / "pods" / name


def _status(spec: Object, state: Object, ready: bool) -> Object:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "restartCount": 0,
        "ready": ready,
        "state": state,
    }


def _kept(pod: Object) -> list[Object]:
    conditions: list[Object] = pod["status"].get("conditions", [])
    return [condition for condition in conditions if condition["type"] == "DisruptionTarget"]


def _ended(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _value(item: dict[str, Any], pod: Object) -> str:
    """Of an environment variable."""
    if "value" in item:
        return str(item["value"])
    source = item.get("valueFrom", {})
    path = source.get("fieldRef", {}).get("fieldPath")
    if path == "metadata.name":
        return str(pod["metadata"]["name"])
    if path == "metadata.namespace":
        return str(pod["metadata"]["namespace"])
    if "resourceFieldRef" in source:
        return "1"
    raise AssertionError(f"an environment variable the fake kubelet does not know: {item}")
