"""`hpo coordinate` as a process: its probes, what it takes, and how it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from study.embedded import EmbeddedPostgres
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.eventually import AT_ONCE, eventually

Start = Callable[..., subprocess.Popen[bytes]]
MEMORY_MIB = 150


@pytest.fixture
def start(cluster: FakeCluster) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(**environment: str) -> subprocess.Popen[bytes]:
        with (cluster.folder / "coordinator.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "coordinator", "coordinate"],
                env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def said(cluster: FakeCluster) -> str:
    file = cluster.folder / "coordinator.log"
    return file.read_text() if file.exists() else ""


def probe(cluster: FakeCluster, path: str) -> tuple[int, str]:
    found = re.search(r"health: port (\d+)", said(cluster))
    if found is None:
        return 0, ""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}") as answer:
            return answer.status, json.loads(answer.read())["trouble"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["trouble"]
    except OSError:
        return 0, ""


def test_it_is_ready_when_it_leads_and_leaves_at_once(cluster: FakeCluster, start: Start) -> None:
    process = start()
    eventually("it is ready", lambda: probe(cluster, "/readyz") == (200, ""))
    assert probe(cluster, "/healthz")[0] == 200
    assert psutil.Process(process.pid).memory_info().rss < MEMORY_MIB * 2**20
    process.send_signal(signal.SIGTERM)
    assert process.wait(AT_ONCE) == 0
    assert "Traceback" not in said(cluster)
    assert cluster.database not in said(cluster)


def test_it_waits_for_a_database_that_is_away_and_says_so(
    cluster: FakeCluster, start: Start, postgres: EmbeddedPostgres
) -> None:
    postgres.stop("immediate")
    try:
        process = start()
        eventually("it says so", lambda: "does not answer; waiting" in probe(cluster, "/readyz")[1])
        assert probe(cluster, "/healthz")[0] == 200
    finally:
        postgres.ensure_running()
    eventually("it is ready", lambda: probe(cluster, "/readyz")[0] == 200)
    process.send_signal(signal.SIGTERM)
    assert process.wait(AT_ONCE) == 0


def test_it_leaves_at_once_while_the_api_server_hangs(cluster: FakeCluster, start: Start) -> None:
    cluster.api.fail(how="hang", times=1000)
    process = start()
    eventually("it asks", lambda: len(cluster.api.asked) >= 4)
    process.send_signal(signal.SIGTERM)
    assert process.wait(AT_ONCE) == 0


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"HPO_STORAGE": ""}, "HPO_STORAGE_FILE must name"),
        ({"HPO_STORAGE": "mysql://x"}, "must be a postgresql:// URL"),
        ({"KUBECONFIG": "/nowhere"}, "no cluster is configured in /nowhere"),
        ({"HPO_HEALTH_PORT": "http"}, "HPO_HEALTH_PORT must be a port"),
        ({"HPO_LOG": "LOUD"}, "HPO_LOG must be one of"),
    ],
)
def test_what_it_cannot_work_with_is_one_line(
    cluster: FakeCluster, start: Start, environment: dict[str, str], words: str
) -> None:
    assert start(**environment).wait(20) == 2
    (line,) = said(cluster).splitlines()
    assert line.startswith("hpo: ")
    assert words in line
