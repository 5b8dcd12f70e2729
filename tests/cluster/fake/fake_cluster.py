"""A cluster of one node in this process: API server over HTTP, Job controller, scheduler, kubelet.

    with FakeCluster(folder, database_url) as cluster:
        cluster.kubeconfig          # a file: export KUBECONFIG to it, or give it to Api.connect
        cluster.submit(yaml, Request(revision=1, workers=2))   # what the laptop writes
        cluster.status("birds")     # what the coordinator answered, parsed; None before it did
        cluster.pods("birds"), cluster.jobs("birds")            # living objects, as dictionaries
        cluster.api.fail("create", "jobs", status=500, times=2) # failures to order
        cluster.api.asked           # every request that came
        cluster.store               # all objects, to look at and to change by hand
        cluster.node.capacity = 1   # the second pod is Unschedulable

Pods are real processes: light workers (milliseconds, no torch) or, with image=RealWorker, the real
`hpo-worker`. Volumes are folders under `cluster.node.claims`; a coordinator of this machine finds
its own by `cluster.environment()`. Not modelled: probes, services, network, exec, RBAC (order a
403, or compare `api.asked` with a Role).
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from sqlalchemy.engine import URL

from coordinator.cluster.records import (
    ROLE,
    STUDY,
    Request,
    Status,
    name_of,
    read_status,
    request_map,
)
from tests.cluster.fake.api_server import TOKEN, FakeApi
from tests.cluster.fake.job_controller import JobController
from tests.cluster.fake.job_rules import check_changed_job, check_new_job
from tests.cluster.fake.kubelet import Kubelet
from tests.cluster.fake.pod_process import Image, LightWorker
from tests.cluster.fake.store import ApiError, Object, Store
from tests.k8s.conftest import build

NAMESPACE = "hpo"
PERIOD = 0.02  # seconds between two looks at processes


class FakeCluster:
    """Deployed and idle when entered; gone, with all its processes, when left."""

    def __init__(self, folder: Path, database: URL, image: Image = LightWorker) -> None:
        self.folder = folder
        self.namespace = NAMESPACE
        self.database = database.render_as_string(hide_password=False)
        self.store = Store()
        self.store.checks["jobs"] = (check_new_job, check_changed_job)
        self.node = Kubelet(self.store, folder, image)
        self.jobs_controller = JobController(self.store)
        self.api = FakeApi(self.store, self.node.logs)
        self.broken: BaseException | None = None
        """What ended the controllers; nothing, one hopes."""
        self._ends = threading.Event()
        self._control = threading.Thread(target=self._controllers, name="controllers", daemon=True)

    def __enter__(self) -> FakeCluster:
        self.api.start()
        for template in build("cpu").of("PodTemplate"):
            self.store.create("podtemplates", self.namespace, template)
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "database"},
            "stringData": {"url": self.database, "worker-url": self.database},
        }
        self.store.create("secrets", self.namespace, secret)
        self.kubeconfig.write_text(yaml.safe_dump(self._kubeconfig()))
        self._control.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        self._control.join(10)
        self.node.stop()
        self.api.stop()
        if error is None:
            assert self.broken is None, self.broken
            assert self.store.orphaned == [], "deleted without their pods"

    @property
    def kubeconfig(self) -> Path:
        """Of a user who may do everything in the namespace."""
        return self.folder / "kubeconfig"

    def environment(self) -> dict[str, str]:
        """What `hpo coordinate` finds around it in its pod, with folders of this machine."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "HPO_NAMESPACE": self.namespace,
            "HPO_STORAGE": self.database,
            "HPO_DATA": str(self.node.claims / "data" / "packed"),
            "HPO_ARTIFACTS": str(self.node.claims / "artifacts"),
            "HPO_HOME": str(self.folder / "home"),
            "HPO_HEALTH_PORT": "0",
        }

    def submit(self, configuration: str, request: Request) -> None:
        """Writes a request, as the laptop does. configuration: YAML."""
        study = str(yaml.safe_load(configuration)["name"])
        wanted = request_map(study, request, configuration)
        name = name_of("request", study)
        try:
            self.store.patch("configmaps", self.namespace, name, {"data": wanted["data"]})
        except ApiError:
            self.store.create("configmaps", self.namespace, wanted)

    def status(self, study: str) -> Status | None:
        """The coordinator's answer."""
        try:
            found = self.store.get("configmaps", self.namespace, name_of("status", study))
        except ApiError:
            return None
        return read_status(found)

    def jobs(self, study: str) -> dict[str, Object]:
        """A study's Jobs by role."""
        found = self.store.list("jobs", self.namespace, f"{STUDY}={study}")
        return {job["metadata"]["labels"][ROLE]: job for job in found}

    def pods(self, study: str, role: str = "worker") -> list[Object]:
        """Its pods of a role."""
        return self.store.list("pods", self.namespace, f"{STUDY}={study},{ROLE}={role}")

    def running(self, study: str) -> list[str]:
        """Names of its workers that run."""
        return [
            pod["metadata"]["name"]
            for pod in self.pods(study)
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]

    def _controllers(self) -> None:
        try:
            while not self._ends.is_set():
                self.jobs_controller.step()
                self.node.step()
                self._ends.wait(PERIOD)
        except BaseException as error:
            self.broken = error
            raise

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.api.url}}],
            "users": [{"name": "person", "user": {"token": TOKEN}}],
            "contexts": [
                {
                    "name": "fake",
                    "context": {
                        "cluster": "fake",
                        "user": "person",
                        "namespace": self.namespace,
                    },
                }
            ],
        }


def result_of(pod: Object) -> Any:
    """What a pod left in its termination message, parsed."""
    return json.loads(pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"])
