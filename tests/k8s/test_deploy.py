"""`hpo deploy` against an API server over HTTP."""

from __future__ import annotations

import base64

from typer.testing import CliRunner

from coordinator.cli import app
from coordinator.cluster.deployment.overlays import Choice
from tests.k8s.deploying import NAMESPACE, Cluster, Object


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


def test_the_verbs_deploy_and_undeploy(cluster: Cluster) -> None:
    result = CliRunner().invoke(app, ["deploy", "--overlay", "cpu", "--patience", "5"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["undeploy", "--volumes"])
    assert result.exit_code == 0, result.output
    assert cluster.names("namespaces") == set()
