"""A deployment of its own in the cluster that KUBECONFIG names; nothing of it is left behind.

Runs only by `make test-cluster`, which says which overlay and images (OVERLAY, IMAGE_PREFIX, TAG):
it takes some minutes and a cluster. Everything is done as a person does it, by `hpo` and `kubectl`.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from coordinator.cluster.kubectl import kubectl
from coordinator.cluster.records import Status, read_status
from tests.eventually import eventually

PATIENCE = 300.0  # seconds for anything that is waited for


@dataclass(frozen=True)
class Deployment:
    """The product in a namespace of its own."""

    namespace: str
    overlay: str

    def hpo(self, *arguments: str, status: int = 0) -> str:
        """Runs `hpo`; gives what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "coordinator", *arguments],
            env={**os.environ, "HPO_BACKEND": "kubernetes", "HPO_NAMESPACE": self.namespace},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert done.returncode == status, f"hpo {' '.join(arguments)}: {done.stdout}"
        print(done.stdout, end="")  # noqa: T201 - the story is read by a person
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs `kubectl` in the namespace; gives what it printed."""
        done = subprocess.run(
            [kubectl(), "--namespace", self.namespace, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def items(self, kind: str, selector: str) -> list[dict[str, Any]]:
        """The objects of a kind with these labels."""
        found = json.loads(self.kubectl("get", kind, "--selector", selector, "--output", "json"))
        items: list[dict[str, Any]] = found["items"]
        return items

    def running(self, study: str) -> list[str]:
        """Names of the study's worker pods that run and are not asked to leave."""
        return [
            pod["metadata"]["name"]
            for pod in self.items("pods", f"hpo.study={study},hpo.role=worker")
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]

    def status(self, study: str) -> Status | None:
        """What the coordinator last wrote of a study."""
        found = self.items("configmaps", f"hpo.study={study},hpo.role=status")
        return read_status(found[0]) if found else None

    def until(
        self,
        study: str,
        what: str,
        holds: Callable[[Status], bool],
        seconds: float = PATIENCE,
    ) -> Status:
        """Waits until the status is so; gives it."""
        seen: list[Status] = []

        def look() -> bool:
            found = self.status(study)
            seen[:] = [found] if found is not None else []
            return found is not None and holds(found)

        try:
            eventually(what, look, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the status is {seen}") from None
        return seen[0]


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """Deployed, and removed with its volumes and namespace."""
    if "HPO_TEST_OVERLAY" not in os.environ:
        pytest.skip("needs a cluster: make test-cluster")
    deployed = Deployment(f"hpo-test-{secrets.token_hex(3)}", os.environ["HPO_TEST_OVERLAY"])
    options = [
        option
        for name in ("image-prefix", "tag")
        if (given := os.environ.get(f"HPO_TEST_{name.replace('-', '_').upper()}"))
        for option in (f"--{name}", given)
    ]
    try:
        deployed.hpo("deploy", "--overlay", deployed.overlay, *options)
        yield deployed
    finally:
        deployed.hpo("undeploy", "--volumes")
    left = subprocess.run(
        [kubectl(), "get", "namespace", deployed.namespace], capture_output=True, check=False
    )
    assert left.returncode != 0, "the namespace is still there"
