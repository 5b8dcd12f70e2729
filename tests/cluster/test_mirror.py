"""A mirror against a server whose watches end, break, expire and fall silent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from coordinator.cluster.api import Api, Object
from coordinator.cluster.service import mirror as module
from coordinator.cluster.service.mirror import Mirror
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.test_api import config_map
from tests.eventually import eventually

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def changes() -> list[str]:
    return []


@pytest.fixture
def make(api: Api, changes: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeMirror]:
    monkeypatch.setattr(module, "SHORTEST", 0.05)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.05)
    made: list[Mirror] = []

    def note(found: Object) -> None:
        changes.append(found["metadata"]["name"])

    def build(selector: str = "study=birds", silence: float = 5.0) -> Mirror:
        mirror = Mirror(api, "configmaps", selector, note, silence=silence)
        mirror.start()
        made.append(mirror)
        return mirror

    yield build
    for mirror in made:
        mirror.stop()


def names(mirror: Mirror) -> list[str]:
    return [found["metadata"]["name"] for found in mirror.objects()]


def lists(cluster: FakeCluster) -> int:
    return sum(asked.verb == "list" for asked in cluster.api.asked)


def test_a_mirror_has_what_there_is_and_what_comes(
    make: MakeMirror, api: Api, changes: list[str]
) -> None:
    api.create("configmaps", config_map("one", study="birds"))
    mirror = make()
    eventually("it has read", lambda: mirror.read)
    assert names(mirror) == ["one"]
    api.create("configmaps", config_map("other", study="cats"))
    api.create("configmaps", config_map("two", study="birds"))
    api.patch("configmaps", "one", {"data": {"a": "2"}})
    api.delete("configmaps", "one")
    eventually("it has followed", lambda: names(mirror) == ["two"])
    assert changes == ["one", "two", "one", "one"]


def test_what_happens_while_a_watch_is_broken_is_not_missed(
    make: MakeMirror, api: Api, cluster: FakeCluster
) -> None:
    mirror = make()
    eventually("it watches", lambda: cluster.api.watching() == 1)
    cluster.api.fail("watch", status=500, times=3)
    cluster.api.drop_watches()
    api.create("configmaps", config_map("one", study="birds"))
    eventually("it has followed", lambda: names(mirror) == ["one"] and not mirror.trouble)
    assert lists(cluster) == 1


def test_after_410_it_lists_again_and_tells_what_changed(
    make: MakeMirror, api: Api, cluster: FakeCluster, changes: list[str]
) -> None:
    for name in ("gone", "kept", "changed"):
        api.create("configmaps", config_map(name, study="birds"))
    mirror = make()
    eventually("it watches", lambda: cluster.api.watching() == 1)
    changes.clear()
    cluster.api.freeze_watches()
    api.delete("configmaps", "gone")
    api.patch("configmaps", "changed", {"data": {"a": "2"}})
    cluster.store.compact()
    cluster.api.recover()
    cluster.api.drop_watches()
    eventually("it has followed", lambda: names(mirror) == ["changed", "kept"])
    eventually("it has told", lambda: sorted(changes) == ["changed", "gone"])
    assert lists(cluster) == 2


def test_a_silent_connection_is_given_up(make: MakeMirror, api: Api, cluster: FakeCluster) -> None:
    mirror = make(silence=0.8)
    eventually("it watches", lambda: cluster.api.watching() == 1)
    cluster.api.freeze_watches()
    api.create("configmaps", config_map("one", study="birds"))
    eventually("it watches anew", lambda: watches(cluster) > 1)
    cluster.api.recover()
    eventually("it has followed", lambda: names(mirror) == ["one"])
    assert lists(cluster) == 1


def watches(cluster: FakeCluster) -> int:
    return sum(asked.verb == "watch" for asked in cluster.api.asked)


def test_an_outage_is_told_once_and_borne_without_a_hot_loop(
    make: MakeMirror, cluster: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.api.fail("list", status=403, times=1000, message="no")
    mirror = make()
    eventually("it has noticed", lambda: "403" in mirror.trouble)
    threading.Event().wait(0.7)
    assert 2 <= lists(cluster) <= 8
    assert len(caplog.records) == 1
    assert mirror.objects() == []


def test_what_was_seen_stays_while_the_cluster_is_away(
    make: MakeMirror, api: Api, cluster: FakeCluster
) -> None:
    api.create("configmaps", config_map("one", study="birds"))
    mirror = make()
    eventually("it has read", lambda: names(mirror) == ["one"])
    cluster.api.fail(status=503, times=1000)
    cluster.api.drop_watches()
    eventually("it has noticed", lambda: mirror.trouble != "")
    assert names(mirror) == ["one"]
