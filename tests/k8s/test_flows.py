"""NetworkPolicies let through what the programs need, and nothing else."""

from __future__ import annotations

from typing import Any

from .conftest import Manifests, Pod, build
from .test_references import matches

API_SERVER = {443, 6443, 8443}


def flows(manifests: Manifests) -> set[tuple[str, str, int]]:
    """Each (from, to, port) between pods that both sides let through."""
    pods = manifests.pods()
    return {
        (source.component, target.component, port)
        for source in pods
        for target in pods
        for port in (5432, 8080, 8081, 53)
        if allows(manifests, source, target, port, "egress")
        and allows(manifests, target, source, port, "ingress")
    }


def allows(manifests: Manifests, pod: Pod, other: Pod, port: int, way: str) -> bool:
    """Whether one side's policies let a connection through. Policies add up."""
    policies = [
        policy["spec"]
        for policy in manifests.of("NetworkPolicy")
        if matches(policy["spec"]["podSelector"], pod.labels)
        and way.capitalize() in policy["spec"]["policyTypes"]
    ]
    assert policies, f"{pod.owner} has no policy for {way}"
    end = {"egress": "to", "ingress": "from"}[way]
    return any(
        is_peer(rule.get(end), other.labels) and port in {each["port"] for each in rule["ports"]}
        for policy in policies
        for rule in policy.get(way, ())
    )


def is_peer(peers: list[dict[str, Any]] | None, labels: dict[str, str]) -> bool:
    return peers is None or any(
        matches(peer["podSelector"], labels)
        for peer in peers
        if "podSelector" in peer and "namespaceSelector" not in peer
    )


def test_the_flows_between_pods_are_these() -> None:
    users = {"coordinator", "dashboard", "backup", "worker"}
    assert flows(build("gpu")) == {(user, "postgres", 5432) for user in users}


def test_with_pgbouncer_workers_reach_it_and_no_longer_the_database() -> None:
    users = {"coordinator", "dashboard", "backup", "pgbouncer"}
    wanted = {(user, "postgres", 5432) for user in users}
    assert flows(build("gpu", "pgbouncer")) == {*wanted, ("worker", "pgbouncer", 5432)}


def test_every_pod_is_denied_what_no_policy_allows(manifests: Manifests) -> None:
    deny = manifests.get("NetworkPolicy", "default-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not deny.get("ingress")
    assert not deny.get("egress")
    assert all(matches(deny["podSelector"], pod.labels) for pod in manifests.pods())


def test_the_coordinator_alone_reaches_the_api_server(manifests: Manifests) -> None:
    for pod in manifests.pods():
        everywhere = {
            port["port"]
            for policy in manifests.of("NetworkPolicy")
            if matches(policy["spec"]["podSelector"], pod.labels)
            for rule in policy["spec"].get("egress", ())
            if "to" not in rule
            for port in rule["ports"]
        }
        assert everywhere == (API_SERVER if pod.component == "coordinator" else set()), pod.owner


def test_who_names_a_service_may_look_it_up(manifests: Manifests) -> None:
    dns = manifests.get("NetworkPolicy", "dns")["spec"]
    assert {(port["protocol"], port["port"]) for port in dns["egress"][0]["ports"]} == {
        ("UDP", 53),
        ("TCP", 53),
    }
    asking = {pod.component for pod in manifests.pods() if matches(dns["podSelector"], pod.labels)}
    stored = {
        pod.component
        for pod in manifests.pods()
        for container in pod.containers
        if any(variable["name"] == "HPO_STORAGE_FILE" for variable in container["env"])
    }
    assert asking == stored


def test_the_operators_database_is_reached_by_those_who_use_it() -> None:
    manifests = build("cloudnativepg")
    instance = {"cnpg.io/cluster": "postgres"}
    policy = manifests.get("NetworkPolicy", "postgres")["spec"]
    assert policy["podSelector"]["matchLabels"] == instance
    to = manifests.get("NetworkPolicy", "to-postgres")["spec"]["egress"][0]["to"]
    assert is_peer(to, instance)
    for component in ("coordinator", "dashboard", "backup", "worker"):
        assert is_peer(policy["ingress"][0]["from"], manifests.pod(component).labels)
