"""Every pod keeps to the restricted standard, and to what we ask beyond it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .conftest import Manifests, build
from .restricted import violations

USER = 10001  # of both images


def test_every_pod_keeps_to_the_restricted_standard(manifests: Manifests) -> None:
    found = {pod.owner: list(violations(pod.spec)) for pod in manifests.pods()}
    assert found
    assert not {owner: broken for owner, broken in found.items() if broken}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hostNetwork",), True),
        (("volumes",), [{"name": "x", "hostPath": {"path": "/"}}]),
        (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "runAsUser"), 0),
        (("containers", 0, "securityContext", "capabilities"), {"drop": ["NET_RAW"]}),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "ports"), [{"containerPort": 80, "hostPort": 80}]),
    ],
)
def test_the_standard_finds_what_it_forbids(path: tuple[Any, ...], value: object) -> None:
    spec = copy.deepcopy(build("cpu").pod("worker").spec)
    place = spec
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert list(violations(spec))


def test_the_namespace_enforces_it(manifests: Manifests) -> None:
    labels = manifests.of("Namespace")[0]["metadata"]["labels"]
    modes = ("enforce", "audit", "warn")
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in modes} == {"restricted"}


def test_every_pod_runs_as_our_user_on_a_root_that_it_cannot_write(manifests: Manifests) -> None:
    for pod in manifests.pods():
        context = pod.spec["securityContext"]
        ids = (context["runAsUser"], context["runAsGroup"], context["fsGroup"])
        assert ids == (USER, USER, USER), pod.owner
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, pod.owner
            assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_every_container_says_what_it_needs_and_how_much_memory_it_may_have(
    manifests: Manifests,
) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), pod.owner
            assert "memory" in resources["limits"], pod.owner


def test_every_container_tells_its_last_words_and_is_not_pulled_again(manifests: Manifests) -> None:
    for pod in manifests.pods():
        for container in pod.containers:
            assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
            assert container["imagePullPolicy"] == "IfNotPresent"


def test_the_coordinator_alone_has_a_token_of_the_api_server(manifests: Manifests) -> None:
    with_token = {
        pod.component for pod in manifests.pods() if pod.spec["automountServiceAccountToken"]
    }
    assert with_token == {"coordinator"}
    accounts = manifests.of("ServiceAccount")
    assert not any(account["automountServiceAccountToken"] for account in accounts)
