"""A person's laptop: the command line as a process, with a kubeconfig and nothing else; and a
stand-in for the coordinator that answers what a test tells it to."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coordinator.cluster.records import (
    COMPONENT,
    LABELS,
    Request,
    Status,
    name_of,
    read_request,
    status_map,
)
from coordinator.snapshot import Snapshot
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.forks import Hpo
from tests.cluster.fake.store import ApiError

ROOT = Path(__file__).parents[3]


class Laptop:
    """A folder, and `hpo` in it."""

    def __init__(self, cluster: FakeCluster, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()
        folder.mkdir()
        kubectl = folder / "kubectl"
        stand_in = Path(__file__).with_name("kubectl.py")
        kubectl.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -S {shlex.quote(str(stand_in))} "$@"\n'
        )
        kubectl.chmod(0o755)
        bare = {key: value for key, value in os.environ.items() if key[:4] != "HPO_"}
        bare |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        inside = {**bare, **cluster.environment(), "HPO_BACKEND": "local"}
        (cluster.folder / "exec.json").write_text(json.dumps(inside))
        self.environment = {
            **bare,
            "KUBECONFIG": str(cluster.kubeconfig),
            "KUBECTL": str(kubectl),
            "FAKE_FOLDER": str(cluster.folder),
        }

    def start(self, *arguments: str, **environment: str) -> Hpo:
        """Starts `hpo`."""
        pipes = self.folder / f"pipes-{next(self._numbers)}"
        return Hpo(arguments, {**self.environment, **environment}, self.folder, pipes)

    def hpo(
        self, *arguments: str, status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs `hpo` to its end."""
        process = self.start(*arguments, **environment)
        printed, errors = process.communicate(timeout=60)
        assert process.returncode == status, printed + errors
        return subprocess.CompletedProcess(arguments, status, printed, errors)

    def refused(self, *arguments: str, **environment: str) -> str:
        """Runs what is refused; gives the one line that says why."""
        ended = self.hpo(*arguments, status=2, **environment)
        assert ended.stdout == ""
        (line,) = ended.stderr.splitlines()
        assert line.startswith("hpo: ")
        return line


Answer = Callable[[Request], Status | None]


class Coordinator:
    """Deployed and ready. Answers each new revision of a request by `answer`."""

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self.answer: Answer = lambda request: status(request, "running")
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.deploy(ready=1)

    def __enter__(self) -> Coordinator:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(10)

    def deploy(self, *, ready: int) -> None:
        """Writes the Deployment."""
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "coordinator", "labels": {**LABELS, COMPONENT: "coordinator"}},
            "spec": {"replicas": 1},
            "status": {"readyReplicas": ready},
        }
        store, namespace = self._cluster.store, self._cluster.namespace
        try:
            store.create("deployments", namespace, deployment)
        except ApiError:
            store.patch("deployments", namespace, "coordinator", deployment)

    def _watch(self) -> None:
        """Between two looks nothing is awaited but a write: the store tells."""
        store, answered = self._cluster.store, {}
        while not self._ends.is_set():
            for found in store.list("configmaps", self._cluster.namespace, "hpo.role=request"):
                request, _ = read_request(found)
                study = found["metadata"]["labels"]["hpo.study"]
                if answered.get(study) != request.revision:
                    answered[study] = request.revision
                    new = self.answer(request)
                    if new is not None:
                        self.write(study, new)
            with store.changed:
                store.changed.wait(0.1)

    def write(self, study: str, new: Status) -> None:
        """Writes a status."""
        store, namespace = self._cluster.store, self._cluster.namespace
        wanted = status_map(study, new)
        try:
            store.patch("configmaps", namespace, name_of("status", study), wanted)
        except ApiError:
            store.create("configmaps", namespace, wanted)


def status(request: Request, phase: Any, **more: Any) -> Status:
    """An answer to a request."""
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return Status(revision=request.revision, phase=phase, written=written, **more)


def snapshot(**changes: Any) -> Snapshot:
    """Birds after one trial."""
    values = {
        "study": "birds",
        "state": "open",
        "metric": "accuracy",
        "epochs": 2,
        "trials": 6,
        "left": 5,
        "outcomes": {"complete": 1},
        "running": (),
        "workers": (),
        "best": {"number": 0, "value": 0.5, "params": {"training.learning_rate": 0.01}},
        "images_per_second": 0.0,
        "seconds_left": None,
        **changes,
    }
    return Snapshot.model_validate(values)
