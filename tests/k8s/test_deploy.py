"""`hpo deploy` and `hpo undeploy` against an API server over HTTP, whose controllers are told here
what becomes of what is deployed."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from coordinator.cli import app
from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.deployment.deploy import deploy
from coordinator.cluster.deployment.overlays import Choice
from coordinator.cluster.deployment.rollout import Patience
from coordinator.cluster.deployment.undeploy import undeploy
from coordinator.cluster.refusals import ClusterUnreachable, Forbidden, NotLoggedIn
from study.errors import HpoError, UsageError
from tests.cluster.fake.api_server import TOKEN, FakeApi
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


def test_everything_is_there_and_ready_after_a_deploy(cluster: Cluster) -> None:
    cluster.deploy()
    assert cluster.names("statefulsets") == {"postgres"}
    assert cluster.names("deployments") == {"coordinator", "dashboard"}
    assert cluster.names("podtemplates") == {"worker", "prepare"}
    assert cluster.names("persistentvolumeclaims") >= {"data", "artifacts", "backups"}
    assert cluster.said[-3:] == ["postgres: ready", "coordinator: ready", "dashboard: ready"]


def test_secrets_are_random_agree_with_each_other_and_are_nowhere_else(cluster: Cluster) -> None:
    cluster.deploy()
    found = {
        secret["metadata"]["name"]: {
            key: base64.b64decode(value).decode() for key, value in secret["data"].items()
        }
        for secret in cluster.store.list("secrets")
    }
    password = found["database"]["password"]
    assert found["database"] == {
        "password": password,
        "url": f"postgresql://hpo:{password}@postgres:5432/hpo",
        "worker-url": f"postgresql://hpo:{password}@database:5432/hpo",
    }
    assert len(password) >= 32
    assert len(found["dashboard"]["token"]) >= 32
    for secret in (password, found["dashboard"]["token"]):
        assert secret not in "\n".join(cluster.said)
        assert all(secret not in str(asked) for asked in cluster.server.asked)
        for resource in ("deployments", "statefulsets", "podtemplates", "cronjobs"):
            assert secret not in str(cluster.store.list(resource))


def test_a_second_deploy_keeps_secrets_volumes_and_jobs(cluster: Cluster) -> None:
    cluster.deploy()
    job = {"metadata": {"name": "worker-birds", "labels": {"app.kubernetes.io/name": "hpo"}}}
    cluster.store.create("jobs", NAMESPACE, job)
    kept = [*cluster.store.list("secrets"), *cluster.store.list("persistentvolumeclaims")]
    cluster.deploy()
    assert [*cluster.store.list("secrets"), *cluster.store.list("persistentvolumeclaims")] == kept
    assert cluster.names("jobs") == {"worker-birds"}


def test_an_upgrade_changes_images_and_takes_away_what_the_overlay_no_longer_has(
    cluster: Cluster,
) -> None:
    cluster.deploy(Choice(overlay="cpu", components=("pgbouncer",)))
    assert "pgbouncer" in cluster.names("deployments")
    cluster.deploy(Choice(overlay="cpu", image_prefix="registry.example/team/", tag="0.2.0"))
    assert cluster.names("deployments") == {"coordinator", "dashboard"}
    assert "to-pgbouncer" not in cluster.names("networkpolicies")
    images = {
        str(container["image"])
        for resource, path in (("podtemplates", ()), ("deployments", ("spec",)))
        for found in cluster.store.list(resource)
        for container in _within(found, path)["template"]["spec"]["containers"]
    }
    assert images == {
        "registry.example/team/hpo-worker:0.2.0",
        "registry.example/team/hpo-coordinator:0.2.0",
    }


def _within(found: Object, path: tuple[str, ...]) -> Object:
    for step in path:
        found = found[step]
    return found


def test_a_namespace_of_the_sites_own_is_not_touched_and_not_removed(cluster: Cluster) -> None:
    own = {"metadata": {"name": NAMESPACE, "labels": {"team": "vision"}}}
    cluster.store.create("namespaces", "", own)
    cluster.deploy()
    cluster.undeploy(volumes=True)
    (found,) = cluster.store.list("namespaces")
    assert found["metadata"]["labels"] == {"team": "vision"}
    assert cluster.store.list("persistentvolumeclaims") == cluster.store.list("secrets") == []


def test_the_coordinator_may_reach_the_port_that_the_api_server_has(cluster: Cluster) -> None:
    ports = [{"name": "https", "port": 16443, "protocol": "TCP"}]
    labels = {"kubernetes.io/service-name": "kubernetes"}
    found = {"metadata": {"name": "kubernetes", "labels": labels}, "ports": ports}
    cluster.store.create("endpointslices", "default", found)
    cluster.deploy()
    policy = cluster.store.get("networkpolicies", NAMESPACE, "to-api-server")
    allowed = [each["port"] for each in policy["spec"]["egress"][0]["ports"]]
    assert allowed == [443, 6443, 8443, 16443]


def test_who_may_not_look_where_the_api_server_is_may_deploy(cluster: Cluster) -> None:
    cluster.server.fail("list", "endpointslices", status=403)
    cluster.deploy()
    assert "to-api-server" in cluster.names("networkpolicies")


def test_the_role_of_a_binding_need_not_be_there_before_it_is_made(cluster: Cluster) -> None:
    cluster.server.fail("patch", "rolebindings", status=404)
    cluster.deploy()
    assert "coordinator" in cluster.names("rolebindings")


def test_undeploy_keeps_volumes_and_the_secret_that_opens_them(cluster: Cluster) -> None:
    cluster.deploy()
    password = cluster.store.get("secrets", NAMESPACE, "database")["data"]
    cluster.undeploy()
    assert cluster.names("persistentvolumeclaims") == {
        "data",
        "artifacts",
        "backups",
        "database-postgres-0",
    }
    assert cluster.names("secrets") == {"database"}
    assert cluster.names("namespaces") == {NAMESPACE}
    for resource in ("deployments", "statefulsets", "podtemplates", "roles", "pods", "services"):
        assert cluster.names(resource) == set(), resource
    cluster.deploy()
    assert cluster.store.get("secrets", NAMESPACE, "database")["data"] == password


def test_undeploy_with_volumes_leaves_nothing(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.undeploy(volumes=True)
    assert cluster.names("namespaces") == cluster.names("secrets") == set()
    assert cluster.names("persistentvolumeclaims") == set()
    cluster.undeploy(volumes=True)
    assert cluster.said[-1].startswith("there is no namespace hpo at ")


def test_workers_leave_before_the_database_goes(cluster: Cluster) -> None:
    cluster.deploy()
    cluster.make_pod("worker")
    order: list[str] = []

    def leave(when: str, asked: Asked) -> None:
        cluster.control(when, asked)
        if asked.verb == "delete" and when == "before":
            order.append(f"{asked.resource}/{asked.name}")
        if (
            asked.verb == "list"
            and asked.resource == "pods"
            and "worker-0" in cluster.names("pods")
        ):
            order.append("worker leaves")
            cluster.store.remove("pods", NAMESPACE, "worker-0")

    cluster.server.on_request = leave
    cluster.undeploy()
    assert order[:2] == ["deployments/coordinator", "worker leaves"]
    assert order.index("statefulsets/postgres") > order.index("worker leaves")


def test_an_image_that_cannot_be_pulled_ends_the_wait_with_what_to_do(cluster: Cluster) -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such host"}}
    container = {"name": "postgres", "image": "hpo-coordinator:0.1.0", "state": state}
    cluster.broken["postgres"] = lambda: cluster.make_pod(
        "postgres", phase="Pending", containerStatuses=[container]
    )
    with pytest.raises(HpoError, match=r"cannot be pulled.*IMAGE_PREFIX=") as raised:
        cluster.deploy()
    assert not isinstance(raised.value, UsageError)  # exit status 1: it is deployed
    assert "\n" not in str(raised.value)


def test_an_exceeded_quota_ends_the_wait(cluster: Cluster) -> None:
    message = (
        "create Pod postgres-0 in StatefulSet postgres failed error: pods is forbidden: "
        "exceeded quota: team, requested: pods=1, used: pods=9, limited: pods=9"
    )
    cluster.broken["postgres"] = lambda: cluster.tell(
        "StatefulSet", "postgres", "FailedCreate", message
    )
    with pytest.raises(HpoError, match=r"postgres does not start: .*exceeded quota: team"):
        cluster.deploy()


def test_troubles_of_the_deploy_before_are_history(cluster: Cluster) -> None:
    cluster.tell("StatefulSet", "postgres", "FailedCreate", "exceeded quota: team")
    cluster.deploy()
    assert "quota" not in "\n".join(cluster.said)


def test_what_only_takes_long_is_told_when_patience_ends(cluster: Cluster) -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    cluster.broken["coordinator"] = lambda: cluster.make_pod("coordinator", conditions=[condition])
    with pytest.raises(HpoError, match=r"coordinator is not ready after 1 s: .*enough cpu"):
        cluster.deploy()
    assert "dashboard: ready" not in cluster.said


def test_what_the_cluster_forbids_is_found_before_anything_has_changed(cluster: Cluster) -> None:
    said = 'roles is forbidden: User "jane" cannot patch resource "roles" in the namespace "hpo"'
    cluster.server.fail("patch", "roles", status=403, message=said)
    with pytest.raises(Forbidden, match="ask who administers the namespace"):
        cluster.deploy()
    assert cluster.names("namespaces") == cluster.names("secrets") == set()
    assert all(asked.resource == "namespaces" for asked in _changes(cluster))


def _changes(cluster: Cluster) -> list[Asked]:
    return [asked for asked in cluster.server.writes() if ("dryRun", "All") not in asked.query]


def test_a_failure_after_the_dry_run_is_status_1(cluster: Cluster) -> None:
    def break_in(when: str, asked: Asked) -> None:
        cluster.control(when, asked)
        if asked.verb == "create" and asked.resource == "secrets" and when == "after":
            cluster.server.fail("patch", "deployments", status=403, message="no more")

    cluster.server.on_request = break_in
    with pytest.raises(HpoError, match="some of it is deployed, deploy again") as raised:
        cluster.deploy()
    assert not isinstance(raised.value, UsageError)


def test_an_expired_kubeconfig_says_so(cluster: Cluster) -> None:
    cluster.server.token = "another"
    with pytest.raises(NotLoggedIn, match="they have expired"):
        cluster.deploy()


def test_without_a_cluster_the_error_says_how_to_run_locally(
    kubeconfig: Callable[[str], None],
) -> None:
    kubeconfig("http://127.0.0.1:1")
    connection = connect()
    with pytest.raises(ClusterUnreachable, match="BACKEND=local"):
        deploy(Api(connection, patience=0.1), CPU, print, QUICK)
    connection.client.close()


def test_a_volume_that_exists_once_cannot_be_shared_afterwards(cluster: Cluster) -> None:
    cluster.deploy()
    before = len(_changes(cluster))
    with pytest.raises(UsageError, match="volume artifacts exists as ReadWriteOnce"):
        cluster.deploy(Choice(overlay="cpu", components=("rwx",)))
    assert [asked for asked in _changes(cluster)[before:] if asked.resource != "namespaces"] == []


def test_an_operator_that_is_missing_is_named(cluster: Cluster) -> None:
    cluster.server.fail("patch", "clusters", status=404, message="404 page not found")
    with pytest.raises(UsageError, match=r"does not know Cluster of postgresql.cnpg.io: install"):
        cluster.deploy(Choice(overlay="cloudnativepg"))
    assert cluster.names("namespaces") == set()


def test_a_namespace_that_is_on_its_way_out_is_waited_for_by_the_person(cluster: Cluster) -> None:
    going = {"metadata": {"name": NAMESPACE}, "status": {"phase": "Terminating"}}
    cluster.store.create("namespaces", "", going)
    with pytest.raises(UsageError, match="is being removed"):
        cluster.deploy()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--overlay", "gpus"], "there is no overlay 'gpus'; did you mean gpu"),
        (["--component", "pgbounce"], "there is no component 'pgbounce'; did you mean pgbouncer"),
        (["--image-prefix", "registry.example/team"], "like registry.example:5000/team/, got"),
        (["--tag", "a tag"], "--tag must be an image's tag"),
        (["--namespace", "My_Space"], "--namespace must be 1 to 63 lower-case letters"),
    ],
)
def test_wrong_arguments_are_told_before_a_cluster_is_asked(
    arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    result = CliRunner().invoke(app, ["deploy", *arguments])
    assert isinstance(result.exception, UsageError)
    assert told in str(result.exception)


def test_the_verbs_deploy_and_undeploy(cluster: Cluster) -> None:
    result = CliRunner().invoke(app, ["deploy", "--overlay", "cpu", "--patience", "5"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["undeploy", "--volumes"])
    assert result.exit_code == 0, result.output
    assert cluster.names("namespaces") == set()
