"""What keeps a deploy from becoming ready, or from beginning, is told in a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from coordinator.cli import app
from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.deployment.deploy import deploy
from coordinator.cluster.deployment.overlays import Choice
from coordinator.cluster.refusals import ClusterUnreachable, Forbidden, NotLoggedIn
from study.errors import HpoError, UsageError
from tests.cluster.fake.failures import Asked
from tests.k8s.deploying import CPU, NAMESPACE, QUICK, Cluster


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
