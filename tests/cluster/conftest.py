"""The fake cluster on a real PostgreSQL, and studies to submit to it. What it can do is written at
the top of fake/fake_cluster.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.service import carry_out, mirror, requests, statuses
from coordinator.cluster.service import run as service
from study.registry import Registry
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Coordinator, Laptop
from tests.cluster.story import BIRDS, Story


@pytest.fixture
def cluster(postgres_url: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    """With light workers. The environment of this process is the coordinator's in it."""
    with (
        tempfile.TemporaryDirectory(prefix="hpo-cluster-") as folder,
        FakeCluster(Path(folder), postgres_url) as cluster,
    ):
        monkeypatch.delenv("HPO_STORAGE_FILE", raising=False)
        for name, value in cluster.environment().items():
            monkeypatch.setenv(name, value)
        yield cluster


@pytest.fixture
def api(cluster: FakeCluster) -> Iterator[Api]:  # noqa: ARG001 - sets the environment
    """A client that loses patience soon."""
    connection = connect()
    yield Api(connection, patience=1.0)
    connection.client.close()


@pytest.fixture
def registry(postgres_url: URL, cluster: FakeCluster) -> Iterator[Registry]:  # noqa: ARG001
    """The cluster's database."""
    registry = Registry(postgres_url)
    yield registry
    registry.close()


@pytest.fixture
def laptop(cluster: FakeCluster, tmp_path: Path) -> Laptop:
    """A person's, with the study birds."""
    laptop = Laptop(cluster, tmp_path / "laptop")
    configs = laptop.folder / "configs"
    configs.mkdir()
    (configs / "birds.yaml").write_text(BIRDS)
    return laptop


@pytest.fixture
def coordinator(cluster: FakeCluster) -> Iterator[Coordinator]:
    """A stand-in that answers what it is told to."""
    with Coordinator(cluster) as coordinator:
        yield coordinator


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator of this process waits for less: nothing but time differs."""
    monkeypatch.setattr(service, "TURN", 0.05)
    monkeypatch.setattr(service, "PAUSE", 0.1)
    monkeypatch.setattr(requests, "PERIOD", 0.1)
    monkeypatch.setattr(requests, "IDLE_PERIOD", 0.6)
    monkeypatch.setattr(statuses, "PERIOD", 0.1)
    monkeypatch.setattr(carry_out, "NOTE_PERIOD", 0.1)
    monkeypatch.setattr(mirror, "SHORTEST", 0.05)
    monkeypatch.setattr(mirror, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(mirror, "LONGEST_PAUSE", 0.5)


@pytest.fixture
def story(cluster: FakeCluster, registry: Registry) -> Story:
    """Nothing is asked yet."""
    return Story(cluster, registry)
