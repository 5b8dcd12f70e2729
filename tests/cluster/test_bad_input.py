"""What a person may do wrong, or find broken, with a cluster: one line that says what to do, exit
status 2, and nothing created; no token in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.fake.api_server import TOKEN
from tests.cluster.fake.dashboard import dashboard_of, make_secret
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Coordinator, Laptop

NOWHERE = "no-registry.example/image:1"
HPO = Path(sys.executable).with_name("hpo")


def hpo(laptop: Laptop, *arguments: str, **environment: str) -> str:
    """The installed program, refused; gives its line."""
    ended = subprocess.run(
        [str(HPO), *arguments],
        env={**laptop.environment, **environment},
        cwd=laptop.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    (line,) = ended.stderr.splitlines()
    assert line.startswith("hpo: ")
    return line


def kubeconfig(cluster: FakeCluster, change: Callable[[Any], object]) -> str:
    """A changed copy."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    change(content)
    file = cluster.folder / "changed"
    file.write_text(yaml.safe_dump(content))
    return str(file)


@pytest.fixture(autouse=True)
def _nothing_is_created(cluster: FakeCluster) -> Any:
    yield
    assert all(dict(each.query).get("dryRun") == "All" for each in cluster.api.writes())


def test_no_kubeconfig_says_how_to_run_without_a_cluster(laptop: Laptop) -> None:
    said = hpo(laptop, "submit", "birds", KUBECONFIG="/no/such/file")
    assert "no cluster is configured in /no/such/file" in said
    assert "BACKEND=local" in said


def test_a_cluster_that_does_not_answer_is_named(laptop: Laptop, cluster: FakeCluster) -> None:
    def closed(content: Any) -> None:
        content["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"

    environment = {"KUBECONFIG": kubeconfig(cluster, closed)}
    said = laptop.refused("status", **environment)
    assert "no cluster answers at http://127.0.0.1:1" in said
    assert "BACKEND=local" in said


def test_an_expired_kubeconfig_says_to_log_in_again(laptop: Laptop, cluster: FakeCluster) -> None:
    def expired(content: Any) -> None:
        content["users"][0]["user"]["token"] = "an-old-token"

    said = hpo(laptop, "submit", "birds", KUBECONFIG=kubeconfig(cluster, expired))
    assert "log in again" in said
    assert "an-old-token" not in said


def test_an_unknown_study_is_told_with_those_there_are(laptop: Laptop) -> None:
    assert "configs/finches.yaml: no such study; valid: birds" in hpo(laptop, "submit", "finches")


@pytest.mark.parametrize("verb", ["status", "logs", "stop", "best", "promote", "resume", "report"])
@pytest.mark.usefixtures("coordinator")
def test_a_study_nobody_asked_for_is_told_by_every_verb(laptop: Laptop, verb: str) -> None:
    said = laptop.refused(verb, "finches")
    assert said == "hpo: there is no study 'finches' in namespace hpo; there are: none"


@pytest.mark.parametrize("arguments", [("submit", "birds", "-n", "0"), ("scale", "birds", "0")])
def test_fewer_than_one_worker_is_refused(laptop: Laptop, arguments: tuple[str, ...]) -> None:
    assert "must be at least 1, got 0" in laptop.refused(*arguments)


@pytest.mark.usefixtures("coordinator")
@pytest.mark.parametrize("verb", ["submit", "plan"])
def test_more_workers_than_the_quota_has_room_for_are_refused(
    laptop: Laptop, cluster: FakeCluster, verb: str
) -> None:
    hard = {"requests.memory": "4Gi"}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team"},
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": {"requests.memory": "1Gi"}},
    }
    cluster.store.create("resourcequotas", cluster.namespace, quota)
    said = laptop.refused(verb, "birds", "-n", "8")
    assert "8 workers are too many: quota team: 1Gi of 4Gi requests.memory used" in said
    assert "3 fit" in said


@pytest.mark.usefixtures("coordinator")
@pytest.mark.parametrize("verb", ["submit", "plan"])
def test_a_missing_right_is_named(laptop: Laptop, cluster: FakeCluster, verb: str) -> None:
    message = 'jobs.batch is forbidden: User "jane" cannot create resource "jobs"'
    cluster.api.fail("create", "jobs", status=403, message=message)
    said = laptop.refused(verb, "birds")
    assert "cannot create jobs/prepare-birds in namespace hpo" in said
    assert "ask who administers the namespace" in said


@pytest.mark.usefixtures("coordinator")
def test_a_deployment_without_pod_templates_says_to_deploy(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    cluster.store.remove("podtemplates", cluster.namespace, "worker")
    assert "no PodTemplate 'worker': make deploy" in laptop.refused("submit", "birds")


def test_a_namespace_without_a_coordinator_says_to_deploy(laptop: Laptop) -> None:
    said = laptop.refused("submit", "birds")
    assert "namespace hpo" in said
    assert "has no coordinator: make deploy" in said
    assert "BACKEND=local" in said


def component(name: str, **spec: Any) -> dict[str, Any]:
    """A pod of the deployment that waits."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-0",
            "labels": {"app.kubernetes.io/component": name},
        },
        "spec": {"containers": [{"name": name, "image": NOWHERE}], **spec},
        "status": {"phase": "Pending"},
    }


def test_postgresql_that_is_not_ready_is_named(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.deploy(ready=0)
    cluster.node.unpullable.add(NOWHERE)
    cluster.store.create("pods", cluster.namespace, component("postgres"))
    said = laptop.refused("submit", "birds")
    assert "the coordinator in namespace hpo is not ready: pod postgres-0" in said


def test_a_cluster_without_a_default_storage_class_is_told(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.deploy(ready=0)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"]},
        "status": {"phase": "Pending"},
    }
    cluster.store.create("persistentvolumeclaims", cluster.namespace, claim)
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    cluster.node.capacity = 0
    pod = component("coordinator", volumes=[volume])
    cluster.store.create("pods", cluster.namespace, pod)
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "data.1"},
        "involvedObject": {"kind": "PersistentVolumeClaim", "name": "data"},
        "reason": "FailedBinding",
        "message": "no persistent volumes available for this claim and no storage class is set",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    cluster.store.create("events", cluster.namespace, event)
    said = laptop.refused("submit", "birds")
    assert "volume data: the cluster has no default StorageClass; make one the default" in said


@pytest.mark.usefixtures("coordinator")
def test_a_dashboard_that_was_started_with_another_token_says_to_restart_it(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    make_secret(cluster)
    with dashboard_of(cluster, token="the-token-of-another-day"):
        said = laptop.refused("dashboard", "--port", "0")
    assert "kubectl rollout restart deployment/dashboard" in said
    assert "token-of" not in said


@pytest.mark.usefixtures("coordinator")
def test_a_dashboard_without_its_secret_says_to_deploy(laptop: Laptop) -> None:
    assert "no Secret 'dashboard': make deploy" in laptop.refused("dashboard")


@pytest.mark.usefixtures("coordinator")
def test_a_port_that_is_taken_is_named(laptop: Laptop, cluster: FakeCluster) -> None:
    make_secret(cluster)
    with dashboard_of(cluster):
        port = (cluster.folder / "forward").read_text()
        said = laptop.refused("dashboard", "--port", port)
    assert "unable to listen" in said
    assert "make dashboard PORT=" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prepare", "birds"), "make plan STUDY=birds"),
        (("shutdown",), "hpo shutdown --backend local"),
        (("dashboard", "--writable"), "read-only"),
    ],
)
def test_what_is_for_one_machine_says_what_a_cluster_has_instead(
    laptop: Laptop, arguments: tuple[str, ...], said: str
) -> None:
    assert said in laptop.refused(*arguments)


def test_tokens_and_passwords_are_not_in_what_verbs_print(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.deploy(ready=0)
    for failure in (401, 403, 422):
        cluster.api.fail(status=failure, times=1)
        ended = laptop.hpo("status", status=2)
        cluster.api.recover()
        assert TOKEN not in ended.stderr
