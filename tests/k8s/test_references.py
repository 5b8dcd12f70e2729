"""What one object says of another is so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .conftest import Manifests, Pod, build

MADE = {  # by hpo deploy, by the operator, and by a person
    "database": {"password", "url", "worker-url"},
    "dashboard": {"token"},
    "postgres-app": {"uri"},
    "s3": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
}


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """A label selector, as the API server reads it."""
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def secrets_of(pod: Pod) -> Iterator[tuple[str, str]]:
    """Each (Secret, key) that a pod mounts."""
    for volume in pod.spec.get("volumes", ()):
        if "secret" in volume:
            for item in volume["secret"]["items"]:
                yield volume["secret"]["secretName"], item["key"]
        for source in volume.get("projected", {}).get("sources", ()):
            for item in source["secret"]["items"]:
                yield source["secret"]["name"], item["key"]


def test_selectors_of_controllers_select_their_own_pods_alone(manifests: Manifests) -> None:
    for found in [*manifests.of("Deployment"), *manifests.of("StatefulSet")]:
        owner = f"{found['kind']} {found['metadata']['name']}"
        selected = [
            pod.owner for pod in manifests.pods() if matches(found["spec"]["selector"], pod.labels)
        ]
        assert selected == [owner]


def test_services_lead_to_a_port_of_a_pod(manifests: Manifests) -> None:
    for service in manifests.of("Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        pods = [pod for pod in manifests.pods() if matches(selector, pod.labels)]
        assert len(pods) == 1, service["metadata"]["name"]
        ports = {port["name"]: port["containerPort"] for port in pods[0].containers[0]["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_disruption_budgets_select_pods_of_one_controller(manifests: Manifests) -> None:
    for budget in manifests.of("PodDisruptionBudget"):
        selected = {
            pod.component
            for pod in manifests.pods()
            if matches(budget["spec"]["selector"], pod.labels)
        }
        assert selected == {budget["metadata"]["name"]}


def test_probes_ask_a_port_that_the_container_has(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            ports = {port["name"] for port in container.get("ports", ())}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for way in ("httpGet", "tcpSocket"):
                    asked = container.get(probe, {}).get(way)
                    assert asked is None or asked["port"] in ports, pod.owner


def test_whatever_serves_is_probed(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            probes = {"startupProbe", "readinessProbe", "livenessProbe"}
            assert not container.get("ports") or probes <= set(container), pod.owner


def test_volumes_that_are_mounted_are_there(manifests: Manifests) -> None:
    for pod in manifests.pods():
        names = {volume["name"] for volume in pod.spec["volumes"]}
        if pod.owner.startswith("StatefulSet"):
            claims = manifests.get("StatefulSet", pod.component)["spec"]["volumeClaimTemplates"]
            names |= {claim["metadata"]["name"] for claim in claims}
        mounted = {mount["name"] for each in pod.containers for mount in each["volumeMounts"]}
        assert mounted == names, pod.owner


def test_claims_and_accounts_that_are_named_exist(manifests: Manifests) -> None:
    for pod in manifests.pods():
        assert pod.spec["serviceAccountName"] in manifests.names("ServiceAccount")
        for volume in pod.spec["volumes"]:
            claim = volume.get("persistentVolumeClaim")
            assert not claim or claim["claimName"] in manifests.names("PersistentVolumeClaim")
            assert "configMap" not in volume  # a study's, which its Job adds


def test_secrets_are_those_that_deploy_makes(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for secret, key in secrets_of(pod):
            assert key in MADE[secret], pod.owner
    used = {secret for pod in manifests.pods() for secret, _ in secrets_of(pod)}
    database = "postgres-app" if manifests.of("Cluster") else "database"
    s3 = {"s3"} & manifests.names("ConfigMap")
    assert used == {database, "dashboard", *s3}


def test_each_pod_gets_its_own_way_to_the_database_and_no_more(manifests: Manifests) -> None:
    if manifests.of("Cluster"):
        return
    found = {
        pod.component: {each for each in secrets_of(pod) if each[0] != "s3"}
        for pod in manifests.pods()
    }
    assert found["worker"] == {("database", "worker-url")}
    assert found["prepare"] == set()
    assert found["coordinator"] == found["backup"] == {("database", "url")}
    assert found["postgres"] == {("database", "password")}


def test_files_that_variables_name_are_mounted(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            for variable in container["env"]:
                value = variable.get("value", "")
                if value.startswith("/"):
                    assert any(f"{value}/".startswith(f"{place}/") for place in mounted), value


def test_a_database_that_was_deployed_with_a_wrong_image_gives_way_to_a_mended_one() -> None:
    """With the default order a StatefulSet waits for its broken pod for ever."""
    assert build("cpu").get("StatefulSet", "postgres")["spec"]["podManagementPolicy"] == "Parallel"
