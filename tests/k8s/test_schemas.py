"""Every object is one that Kubernetes takes, strictly: no field that it does not know."""

from __future__ import annotations

import functools
import json

import pytest
from kubernetes_validate import utils  # type: ignore[import-untyped]  # it ships no types

from .conftest import CUSTOM, OVERLAYS, Manifests, build

VERSIONS = ("1.36", "1.37")


@functools.cache  # most objects are the same in all variants, and a schema is long
def check(found: str) -> None:
    for version in VERSIONS:
        utils.validate(json.loads(found), version, strict=True)


def test_every_object_has_the_schema_of_its_kind(manifests: Manifests) -> None:
    for found in manifests.objects:
        if (found["apiVersion"], found["kind"]) not in CUSTOM:
            check(json.dumps(found))


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"prots": []},
    }
    with pytest.raises(utils.ValidationError):
        utils.validate(wrong, VERSIONS[0], strict=True)


def test_every_object_has_our_label_and_namespace(manifests: Manifests) -> None:
    for found in manifests.objects:
        metadata = found["metadata"]
        assert metadata["labels"]["app.kubernetes.io/name"] == "hpo", metadata["name"]
        if found["kind"] != "Namespace":
            assert metadata["namespace"] == "hpo", metadata["name"]
    for pod in manifests.pods():
        assert pod.labels["app.kubernetes.io/name"] == "hpo"
        assert pod.component


def test_both_images_are_named_with_the_version_of_the_project(manifests: Manifests) -> None:
    images = {container["image"] for pod in manifests.pods() for container in pod.containers}
    assert images == {"hpo-worker:0.1.0", "hpo-coordinator:0.1.0"}


def test_fields_that_cannot_change_are_the_same_in_every_overlay() -> None:
    """One overlay can be deployed over another."""
    for overlay in OVERLAYS:
        built = build(overlay)
        for kind in ("StatefulSet", "Deployment"):
            for found in built.of(kind):
                there = build("cpu").get(kind, found["metadata"]["name"])
                for field in ("selector", "serviceName", "volumeClaimTemplates"):
                    assert found["spec"].get(field) == there["spec"].get(field), overlay
        claims = build("cpu").of("PersistentVolumeClaim")
        assert all(claim in claims for claim in built.of("PersistentVolumeClaim"))


def test_no_password_and_no_secret_is_in_any_manifest(manifests: Manifests) -> None:
    assert manifests.of("Secret") == []
    assert "postgresql://" not in manifests.text
    for pod in manifests.pods():
        for container in pod.containers:
            for variable in container.get("env", ()):
                assert "secretKeyRef" not in variable.get("valueFrom", {})
                assert "password" not in variable.get("value", "").replace("/password", "").lower()
