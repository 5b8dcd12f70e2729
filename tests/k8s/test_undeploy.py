"""`hpo undeploy` takes away what was deployed, in an order that loses nothing."""

from __future__ import annotations

from tests.cluster.fake.failures import Asked
from tests.k8s.deploying import NAMESPACE, Cluster


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
