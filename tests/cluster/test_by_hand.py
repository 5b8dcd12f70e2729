"""What people do by hand in the namespace: one study's trouble is its own alone, and is told."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.cluster.api import Api
from coordinator.cluster.records import Request, name_of, request_map
from coordinator.cluster.service.packing import Packing
from tests.cluster.coordinating import coordinating
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.story import BIRDS, Story
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("quick")

FIRST = '{"revision": 1, "workers": %s, "retry": 1}'


def put(cluster: FakeCluster, name: str, study: str, **data: str) -> None:
    """A request, by hand."""
    wanted = request_map(study, Request(revision=1, workers=1), BIRDS)
    wanted["metadata"]["name"] = name
    wanted["data"] |= data
    cluster.store.create("configmaps", cluster.namespace, wanted)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"request.json": "{"}, "ConfigMap request-birds cannot be read: Invalid JSON"),
        ({"request.json": FIRST % 0}, "workers: Input should be greater than or equal to 1"),
        ({"request.json": FIRST % 10**9}, "workers: Input should be less than or equal to"),
        ({"study.yaml": "x: " + "x" * 200_000}, "must be at most 100,000 characters long"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused_in_one_line(
    cluster: FakeCluster, story: Story, data: dict[str, str], said: str
) -> None:
    with coordinating(cluster):
        put(cluster, "request-birds", "birds", **data)
        story.says(said)
    assert story.status is not None
    assert story.status.phase == "refused"
    assert "https://" not in story.reason()
    assert cluster.jobs("birds") == {}


@pytest.mark.parametrize("study", ["birds", "", "Crows_1.x"])
def test_a_copy_under_another_name_is_nobodys_request(
    cluster: FakeCluster, story: Story, study: str
) -> None:
    with coordinating(cluster):
        put(cluster, "z-copy", study, **{"request.json": "{"})
        story.ask(trials=2)
        story.has_ended(trials=2)
    found = cluster.store.list("configmaps", cluster.namespace, "hpo.role=status")
    assert [each["metadata"]["name"] for each in found] == ["status-birds"]


def test_a_status_that_somebody_deletes_is_written_again(
    cluster: FakeCluster, story: Story
) -> None:
    with coordinating(cluster):
        story.ask(trials=2)
        story.reaches("done")
        cluster.store.remove("configmaps", cluster.namespace, name_of("status", "birds"))
        story.reaches("done")


def test_a_coordinator_that_may_not_write_statuses_says_so_and_stays(
    cluster: FakeCluster, story: Story
) -> None:
    with coordinating(cluster) as health:
        story.ask(trials=40)
        story.trains()
        cluster.api.fail("patch", "configmaps", status=403, message="no", times=10**6)
        story.ask(trials=2)
        eventually("it is told", lambda: "status-birds" in health.answer("/readyz")[1], 10)
        cluster.api.recover()
        story.reaches("done")


def test_a_template_that_is_gone_or_has_another_container_is_waited_for(
    cluster: FakeCluster, story: Story
) -> None:
    store, namespace = cluster.store, cluster.namespace
    template = store.get("podtemplates", namespace, "prepare")
    store.remove("podtemplates", namespace, "prepare")
    for name in ("resourceVersion", "uid"):
        template["metadata"].pop(name)
    container = template["template"]["spec"]["containers"][0]
    container["name"] = "main"
    with coordinating(cluster):
        story.ask(trials=2)
        story.says("the namespace has no PodTemplate 'prepare': make deploy")
        store.create("podtemplates", namespace, template)
        story.says("has no container 'prepare', but main: make deploy")
        container["name"] = "prepare"
        store.patch("podtemplates", namespace, "prepare", {"template": template["template"]})
        story.has_ended(trials=2)


def test_many_that_prepare_are_asked_for_their_words_in_turn(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("coordinator.cluster.service.packing.time.monotonic", lambda: clock[0])
    asked: list[str] = []
    packing = Packing(api)
    monkeypatch.setattr(packing, "_last_line", lambda pod: asked.append(pod) or "")
    labels = {"hpo.role": "prepare"}
    pods: list[Any] = [
        {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Running"}}
        for name in "abc"
    ]
    for _ in range(30):  # 60 s
        for pod in pods:
            packing.progress([pod])
        clock[0] += 2.0
    assert len(asked) <= 60 / 5 + 1
    assert {"a", "b", "c"} == set(asked[-4:])
