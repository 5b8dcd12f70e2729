"""The coordinator may do what it does, and nobody else anything."""

from __future__ import annotations

from .conftest import Manifests

USED = {
    ("batch", "jobs"): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "pods"): {"get", "list", "watch", "patch"},
    ("", "pods/log"): {"get"},
    ("", "configmaps"): {"get", "list", "watch", "create", "patch"},
    ("", "events"): {"list", "watch"},
    ("", "podtemplates"): {"get"},
}


def test_the_coordinators_rights_are_these(manifests: Manifests) -> None:
    rules = manifests.get("Role", "coordinator")["rules"]
    given = {
        (group, resource): set(rule["verbs"])
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert given == USED
    assert not any("secrets" in rule["resources"] for rule in rules)
    templates = next(rule for rule in rules if "podtemplates" in rule["resources"])
    assert set(templates["resourceNames"]) == manifests.names("PodTemplate")


def test_nobody_else_is_given_rights_and_none_hold_for_the_whole_cluster(
    manifests: Manifests,
) -> None:
    assert not manifests.of("ClusterRole")
    assert not manifests.of("ClusterRoleBinding")
    (binding,) = manifests.of("RoleBinding")
    assert binding["roleRef"]["name"] == "coordinator"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "coordinator", "namespace": "hpo"}
    ]


def test_people_need_only_the_templates_beside_the_role_edit(manifests: Manifests) -> None:
    (rule,) = manifests.get("Role", "user")["rules"]
    assert (rule["resources"], rule["verbs"]) == (["podtemplates"], ["get"])
