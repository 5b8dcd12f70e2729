"""The client over HTTP, against a server that fails to order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from coordinator.cluster.api import Api
from coordinator.cluster.changes import Change
from coordinator.cluster.connection import connect
from coordinator.cluster.refusals import (
    ClusterUnreachable,
    Conflict,
    Exists,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    NotLoggedIn,
    Trouble,
)
from tests.cluster.fake.api_server import TOKEN
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.eventually import AT_ONCE


def config_map(name: str, **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def test_objects_are_made_read_changed_and_deleted(api: Api) -> None:
    made = api.create("configmaps", config_map("one", study="birds"))
    assert made["metadata"]["namespace"] == "hpo"
    assert api.get("configmaps", "one") == made
    api.create("configmaps", config_map("two", study="cats"))
    assert [item["data"] for item in api.list("configmaps", "study=birds").items] == [{"a": "1"}]
    changed = api.patch("configmaps", "one", {"data": {"a": None, "b": "2"}})
    assert changed["data"] == {"b": "2"}
    api.delete("configmaps", "one")
    api.delete("configmaps", "one")
    with pytest.raises(NotFound, match='configmaps "one" not found'):
        api.get("configmaps", "one")


def test_a_dry_run_checks_and_stores_nothing(api: Api) -> None:
    assert api.create("configmaps", config_map("one"), dry_run=True)["data"] == {"a": "1"}
    assert api.list("configmaps").items == []


def test_what_exists_and_what_was_changed_meanwhile_are_told_apart(api: Api) -> None:
    old = api.create("configmaps", config_map("one"))
    with pytest.raises(Exists, match="already exists"):
        api.create("configmaps", config_map("one"))
    api.patch("configmaps", "one", {"data": {"a": "2"}})
    version = {"resourceVersion": old["metadata"]["resourceVersion"]}
    with pytest.raises(Conflict, match="modified"):
        api.patch("configmaps", "one", {"metadata": version, "data": {"a": "3"}})
    with pytest.raises(Conflict):
        api.delete("configmaps", "one", uid="another")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_by_itself_is_tried_again(
    api: Api, cluster: FakeCluster, status: int
) -> None:
    cluster.api.fail("create", "configmaps", status=status)
    assert api.create("configmaps", config_map("one"))["data"] == {"a": "1"}
    assert [asked.verb for asked in cluster.api.asked] == ["create", "create"]


def test_a_server_is_left_alone_as_long_as_it_asks(cluster: FakeCluster) -> None:
    api = Api(connect(), patience=3.0)
    cluster.api.fail("list", status=429, retry_after=1)
    begun = time.monotonic()
    api.list("pods")
    assert time.monotonic() - begun >= 1.0


def test_a_server_that_asks_for_more_than_our_patience_is_in_trouble(
    api: Api, cluster: FakeCluster
) -> None:
    cluster.api.fail("list", status=429, retry_after=60)
    with pytest.raises(Trouble, match=r"cannot list pods in namespace hpo: .* \(429\)"):
        api.list("pods")


def test_patience_ends(api: Api, cluster: FakeCluster) -> None:
    cluster.api.fail("list", status=503, times=99)
    with pytest.raises(Trouble):
        api.list("pods")
    assert 2 < len(cluster.api.asked) < 9


def test_a_broken_connection_is_tried_again(api: Api, cluster: FakeCluster) -> None:
    cluster.api.fail("list", how="drop", times=2)
    assert api.list("configmaps").items == []


def test_a_creation_whose_answer_is_lost_has_happened(api: Api, cluster: FakeCluster) -> None:
    cluster.api.fail("create", how="lose")
    with pytest.raises(Exists):
        api.create("configmaps", config_map("one"))
    assert len(api.list("configmaps").items) == 1


def test_a_change_whose_answer_is_lost_is_repeated(api: Api, cluster: FakeCluster) -> None:
    api.create("configmaps", config_map("one"))
    cluster.api.fail("patch", how="lose")
    assert api.patch("configmaps", "one", {"data": {"a": "2"}})["data"] == {"a": "2"}


def test_expired_credentials_are_one_line_without_the_token(api: Api, cluster: FakeCluster) -> None:
    cluster.api.token = "another"
    with pytest.raises(NotLoggedIn, match=r"401.*log in again") as told:
        api.list("pods")
    assert TOKEN not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_right_is_named(api: Api, cluster: FakeCluster) -> None:
    said = 'jobs.batch is forbidden: User "jane" cannot create resource "jobs" in API group "batch"'
    cluster.api.fail("create", "jobs", status=403, message=said)
    with pytest.raises(Forbidden, match=r'"jane" cannot create .* right to create jobs'):
        api.create("jobs", {"metadata": {"name": "worker-birds"}})


def test_a_quota_is_not_taken_for_a_missing_right(api: Api, cluster: FakeCluster) -> None:
    said = 'pods "a" is forbidden: exceeded quota: compute, requested: pods=1'
    cluster.api.fail("create", "pods", status=403, message=said)
    with pytest.raises(Forbidden, match=r"exceeded quota.*ask for less"):
        api.create("pods", {"metadata": {"name": "a"}})


def test_what_breaks_a_rule_of_kubernetes_is_told_in_its_words(api: Api) -> None:
    pod = {"spec": {"restartPolicy": "Always", "containers": [{"name": "worker"}]}}
    job = {"metadata": {"name": "worker-birds"}, "spec": {"template": pod}}
    with pytest.raises(Invalid, match=r"restartPolicy.*\(422\)"):
        api.create("jobs", job)


def test_where_no_cluster_answers_the_way_out_is_named(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = cluster.kubeconfig.read_text().replace(cluster.api.url, "http://127.0.0.1:9")
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(ClusterUnreachable, match=r"127.0.0.1:9.*BACKEND=local") as told:
        Api(connect(), patience=0.1).list("pods")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [None, "", "a: [", "contexts: []", "[]", "hello"])
def test_a_kubeconfig_that_says_nothing_is_one_line(
    content: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "kubeconfig"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(ClusterUnreachable, match="no cluster is configured") as told:
        connect()
    assert "\n" not in str(told.value)


@contextmanager
def web_page(status: int) -> Iterator[str]:
    """Its address: a server that says the same whatever it is asked."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [200, 404])
def test_what_is_not_an_api_server_is_not_taken_for_one(
    status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cluster: FakeCluster
) -> None:
    with web_page(status) as url:
        file = tmp_path / "kubeconfig"
        file.write_text(cluster.kubeconfig.read_text().replace(cluster.api.url, url))
        monkeypatch.setenv("KUBECONFIG", str(file))
        with pytest.raises(ClusterUnreachable, match=f"{url} is not a Kubernetes API server"):
            Api(connect()).list("pods")


def test_a_login_plugin_that_fails_is_told(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: 'false'}}"
    file = tmp_path / "kubeconfig"
    file.write_text(cluster.kubeconfig.read_text().replace(f"\n    token: {TOKEN}", f" {plugin}"))
    assert "exec" in file.read_text()
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(NotLoggedIn, match="log in again"):
        connect()


def test_the_namespace_is_the_environments_else_the_contexts(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPO_NAMESPACE", "team")
    assert connect().namespace == "team"
    monkeypatch.delenv("HPO_NAMESPACE")
    assert connect().namespace == cluster.namespace
    cluster.kubeconfig.write_text(
        cluster.kubeconfig.read_text().replace("    namespace: hpo\n", "")
    )
    assert connect().namespace == "hpo"


def test_a_watch_tells_what_happens_to_objects_that_match(api: Api) -> None:
    start = api.list("configmaps", "study=birds").version
    api.create("configmaps", config_map("one", study="birds"))
    api.create("configmaps", config_map("two", study="cats"))
    api.patch("configmaps", "one", {"data": {"a": "2"}})
    api.patch("configmaps", "two", {"metadata": {"labels": {"study": "birds"}}})
    api.patch("configmaps", "one", {"metadata": {"labels": {"study": "cats"}}})
    api.delete("configmaps", "two")
    seen = take(api.watch("configmaps", "study=birds", start, seconds=5), 5)
    assert [(change.type, change.object["metadata"]["name"]) for change in seen] == [
        ("ADDED", "one"),
        ("MODIFIED", "one"),
        ("ADDED", "two"),
        ("DELETED", "one"),
        ("DELETED", "two"),
    ]


def test_a_watch_ends_at_its_time_and_brings_bookmarks(api: Api) -> None:
    start = api.list("configmaps").version
    api.create("events", {"metadata": {"name": "e"}, "involvedObject": {}})
    begun = time.monotonic()
    marks = list(api.watch("configmaps", "", start, seconds=1))
    assert 0.9 < time.monotonic() - begun < AT_ONCE
    assert {mark.type for mark in marks} == {"BOOKMARK"}
    assert int(marks[-1].object["metadata"]["resourceVersion"]) > int(start)


def test_a_watch_from_too_far_back_is_expired(api: Api, cluster: FakeCluster) -> None:
    start = api.list("configmaps").version
    cluster.store.compact()
    with pytest.raises(Expired):
        list(api.watch("configmaps", "", start, seconds=5))


def test_a_watch_that_breaks_is_told_and_a_silent_one_ends(api: Api, cluster: FakeCluster) -> None:
    start = api.list("configmaps").version
    threading.Timer(0.2, cluster.api.drop_watches).start()
    with pytest.raises(ClusterUnreachable):
        list(api.watch("configmaps", "", start, seconds=5))
    cluster.api.freeze_watches()
    begun = time.monotonic()
    assert list(api.watch("configmaps", "", start, seconds=60, silence=0.3)) == []
    assert time.monotonic() - begun < AT_ONCE


def take(changes: Iterator[Change], count: int) -> list[Change]:
    """The first so many that are no bookmarks."""
    found = []
    for change in changes:
        if change.type != "BOOKMARK":
            found.append(change)
        if len(found) == count:
            break
    return found
