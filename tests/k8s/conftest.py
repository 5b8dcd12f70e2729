"""What kubectl makes of every overlay and component; and a cluster to deploy to."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from tests.cluster.fake.api_server import TOKEN, FakeApi
from tests.cluster.fake.store import Store
from tests.k8s.deploying import NAMESPACE, Cluster

Object = dict[str, Any]

ROOT = Path(__file__).parent.parent.parent
K8S = ROOT / "k8s"
KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = sorted(folder.name for folder in (K8S / "overlays").iterdir())
COMPONENTS = sorted(folder.name for folder in (K8S / "components").iterdir())
VARIANTS = [
    *((overlay, "") for overlay in OVERLAYS),
    *(("gpu", component) for component in COMPONENTS),
    *(("cpu", component) for component in COMPONENTS if component != "gpu-shared"),
]
CUSTOM = {("postgresql.cnpg.io/v1", "Cluster")}  # objects without a schema of Kubernetes' own


@dataclass(frozen=True)
class Pod:
    """The pods that an object of the manifests makes."""

    owner: str
    labels: dict[str, str]
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]


@dataclass(frozen=True)
class Manifests:
    """One variant, built."""

    text: str
    objects: list[Object]

    def of(self, kind: str) -> list[Object]:
        return [found for found in self.objects if found["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {found["metadata"]["name"] for found in self.of(kind)}

    def get(self, kind: str, name: str) -> Object:
        return next(found for found in self.of(kind) if found["metadata"]["name"] == name)

    def pods(self) -> list[Pod]:
        return list(self._pods())

    def pod(self, component: str) -> Pod:
        return next(pod for pod in self.pods() if pod.component == component)

    def _pods(self) -> Iterator[Pod]:
        for found in self.objects:
            match found["kind"]:
                case "Deployment" | "StatefulSet" | "Job" | "DaemonSet":
                    template = found["spec"]["template"]
                case "CronJob":
                    template = found["spec"]["jobTemplate"]["spec"]["template"]
                case "PodTemplate":
                    template = found["template"]
                case _:
                    continue
            owner = f"{found['kind']} {found['metadata']['name']}"
            yield Pod(owner, template["metadata"]["labels"], template["spec"])


@functools.cache
def build(overlay: str, component: str = "") -> Manifests:
    with tempfile.TemporaryDirectory() as directory:
        lines = [f"resources: [{os.path.relpath(K8S / 'overlays' / overlay, directory)}]"]
        if component:
            lines += [f"components: [{os.path.relpath(K8S / 'components' / component, directory)}]"]
        (Path(directory) / "kustomization.yaml").write_text("\n".join(lines))
        done = subprocess.run(
            [str(KUBECTL), "kustomize", directory], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # warnings: something deprecated
    return Manifests(done.stdout, list(yaml.load_all(done.stdout, yaml.CSafeLoader)))


@pytest.fixture(params=VARIANTS, ids=lambda variant: "+".join(filter(None, variant)))
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return build(*request.param)


@pytest.fixture
def gpu() -> Manifests:
    return build("gpu")


@pytest.fixture
def kubeconfig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Names the cluster at an URL as the person's own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kubeconfig"

        def write(url: str) -> None:
            name = {"name": "fake"}
            context = {"cluster": "fake", "user": "fake", "namespace": NAMESPACE}
            content = {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "fake",
                "clusters": [{**name, "cluster": {"server": url}}],
                "users": [{**name, "user": {"token": TOKEN}}],
                "contexts": [{**name, "context": context}],
            }
            file.write_text(yaml.safe_dump(content))
            monkeypatch.setenv("KUBECONFIG", str(file))
            monkeypatch.delenv("HPO_NAMESPACE", raising=False)

        yield write


@pytest.fixture
def cluster(kubeconfig: Callable[[str], None]) -> Iterator[Cluster]:
    server = FakeApi(Store(), lambda _pod, _lines: "")
    server.start()
    kubeconfig(server.url)
    connection = connect()
    made = Cluster(server, Api(connection, patience=0.5))
    server.on_request = made.control
    yield made
    connection.client.close()
    server.stop()
