"""The coordinator as a process in the fake cluster: whole stories, with failures on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.cluster.records import Request
from coordinator.promoted import in_use, verify
from study import paths
from study.progress import Progress, observe
from study.registry import Registry
from tests.chaos.conftest import eventually
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.story import BIRDS

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(cluster: FakeCluster) -> Iterator[Start]:
    """Starts `hpo coordinate`."""
    started: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        with (cluster.folder / "coordinator.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "coordinator", "coordinate"],
                env={**os.environ, "PYTHONPATH": str(Path.cwd())},
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def phase(cluster: FakeCluster) -> str:
    status = cluster.status("birds")
    return "" if status is None else status.phase


def progress(registry: Registry) -> Progress:
    return observe(registry, registry.find("birds"))


def test_a_study_goes_from_its_request_to_a_promoted_model(
    cluster: FakeCluster, start: Start, registry: Registry
) -> None:
    cluster.submit(BIRDS, Request(revision=1, workers=2, retry=1))
    process = start()
    eventually("it is done", lambda: phase(cluster) == "done", 40)
    assert progress(registry).outcomes == {"complete": 6}
    place = paths.artifacts("birds")
    assert in_use(place) == 1
    assert verify(place.latest).trial == 5
    status = cluster.status("birds")
    assert status is not None
    assert status.promoted.startswith("promoted: trial 5 as version 1")
    process.send_signal(signal.SIGTERM)
    assert process.wait(2) == 0
