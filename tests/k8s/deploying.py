"""An API server that is deployed to, over HTTP, and what becomes there of what is deployed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.deployment.deploy import deploy
from coordinator.cluster.deployment.overlays import Choice
from coordinator.cluster.deployment.rollout import Patience
from coordinator.cluster.deployment.undeploy import undeploy
from tests.cluster.fake.api_server import FakeApi
from tests.cluster.fake.failures import Asked
from tests.cluster.fake.store import Store

NAMESPACE = "hpo"
QUICK = Patience(ready=1.0, settled=0.1, look=0.02)
CPU = Choice(overlay="cpu")
Object = dict[str, Any]


@dataclass
class Cluster:
    """A server, its controllers, and a person before it."""

    server: FakeApi
    api: Api
    said: list[str] = field(default_factory=list)
    broken: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens instead of becoming ready, by the name of a controller."""

    @property
    def store(self) -> Store:
        return self.server.store

    def deploy(self, choice: Choice = CPU) -> None:
        deploy(self.api, choice, self.said.append, QUICK)

    def undeploy(self, *, volumes: bool = False) -> None:
        undeploy(self.api, self.said.append, volumes=volumes, patience=QUICK)

    def names(self, resource: str) -> set[str]:
        return {found["metadata"]["name"] for found in self.store.list(resource)}

    def control(self, when: str, asked: Asked) -> None:
        """What controllers do when a request was carried out."""
        if when != "after" or "dryRun" in dict(asked.query):
            return
        runs = asked.resource in ("deployments", "statefulsets")
        if asked.verb == "patch" and runs:
            self.broken.get(asked.name, lambda: self.become_ready(asked))()
        if asked.verb == "delete" and runs:
            for pod in self.store.list(
                "pods", selector=f"app.kubernetes.io/component={asked.name}"
            ):
                self.store.remove("pods", NAMESPACE, pod["metadata"]["name"])

    def become_ready(self, asked: Asked) -> None:
        self.store.update(asked.resource, NAMESPACE, asked.name, _ready)
        if asked.resource == "statefulsets":
            self.make_claim(f"database-{asked.name}-0")
        self.make_pod(asked.name)

    def make_pod(self, component: str, **status: Any) -> None:
        labels = {"app.kubernetes.io/name": "hpo", "app.kubernetes.io/component": component}
        name = f"{component}-0"
        if name not in self.names("pods"):
            pod = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
            self.store.create("pods", NAMESPACE, pod)

    def make_claim(self, name: str) -> None:
        if name not in self.names("persistentvolumeclaims"):
            spec = {"accessModes": ["ReadWriteOnce"]}
            metadata = {"name": name, "labels": {"app.kubernetes.io/name": "hpo"}}
            self.store.create(
                "persistentvolumeclaims", NAMESPACE, {"metadata": metadata, "spec": spec}
            )

    def tell(self, kind: str, name: str, reason: str, message: str) -> None:
        event = {
            "metadata": {"name": f"{name}.{reason}"},
            "involvedObject": {"kind": kind, "name": name},
            "reason": reason,
            "message": message,
        }
        self.store.create("events", NAMESPACE, event)


def _ready(found: Object) -> None:
    replicas = found["spec"]["replicas"]
    found["status"] = {
        "observedGeneration": found["metadata"]["generation"],
        **dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas"), replicas),
    }
