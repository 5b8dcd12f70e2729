"""A study in the fake cluster with the real coordinator and the real worker: pictures, training,
promotion, a model that classifies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from coordinator.cluster.records import Request
from study import paths
from study.progress import observe
from study.promotion import verify
from study.registry import Registry
from tests.cluster.coordinating import coordinating
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.pod_process import RealWorker
from tests.eventually import eventually
from tests.pictures import draw_classes
from worker.evaluation.classifier import Classifier

STUDY = """
name: shapes
data: {source: /data/sources/shapes, image_size: 16}
model: {n_layers: 2, n_filters: [8, 8], kernel_sizes: [3, 3], fc_size: 32}
training: {epochs: 3, batch_size: 8, augmentation: {horizontal_flip: 0.0}}
space:
  training.learning_rate: {type: float, low: 3e-3, high: 1e-2, log: true}
search:
  pruner: {name: none}
  budget: {trials: 3}
"""


@pytest.fixture
def cluster(postgres_url: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    with (
        tempfile.TemporaryDirectory(prefix="hpo-cluster-") as folder,
        FakeCluster(Path(folder), postgres_url, RealWorker) as cluster,
    ):
        for name, value in cluster.environment().items():
            monkeypatch.setenv(name, value)
        yield cluster


def test_a_study_in_a_cluster_ends_with_a_model_that_classifies(
    cluster: FakeCluster, postgres_url: URL
) -> None:
    pictures = draw_classes(cluster.node.claims / "data" / "sources" / "shapes")
    cluster.node.environment["HPO_HEALTH_PORT"] = "0"  # pods share this machine's ports
    cluster.submit(STUDY.replace("SOURCE", str(pictures)), Request(revision=1, workers=1, retry=1))
    with coordinating(cluster):
        eventually("it is done", lambda: _phase(cluster) == "done")
    registry = Registry(postgres_url)
    assert observe(registry, registry.find("shapes")).outcomes == {"complete": 3}
    registry.close()
    latest = paths.artifacts("shapes").latest
    assert verify(latest).version == 1
    likely = Classifier(latest).classify(pictures / "class-1" / "000.png")
    assert max(likely, key=likely.__getitem__) == "class-1"


def _phase(cluster: FakeCluster) -> str:
    status = cluster.status("shapes")
    assert status is None or status.phase not in ("failed", "refused"), status
    return "" if status is None else status.phase
