"""A promoted folder in use; what it is fed with is compared with what validation measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from study.config.dump import dump
from study.config.records import StudyConfig
from study.dataset import DatasetManifest, read_manifest
from study.errors import CheckpointCorrupt, DataError
from worker.evaluation.classifier import Classifier
from worker.evaluation.measure import export_model, measure
from worker.evaluation.metrics import summarise
from worker.models.build import build_model
from worker.models.weights import save_weights

NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def weights(new_study: NewStudy, tmp_path: Path) -> Path:
    """Of a model whose batch normalisation has seen other than normalised pictures."""
    torch.manual_seed(0)
    model = build_model(new_study().model, channels=1, image_size=16, n_classes=3)
    for _ in range(5):
        model(torch.rand(8, 1, 16, 16))
    return tmp_path / save_weights(tmp_path, "best-0001-00000", model, {"epoch": 0})


@pytest.fixture
def manifest(shapes_store: Path) -> DatasetManifest:
    return read_manifest(shapes_store)


@pytest.fixture
def promoted(
    new_study: NewStudy,
    shapes_store: Path,
    manifest: DatasetManifest,
    weights: Path,
    tmp_path: Path,
) -> Path:
    """The files that promotion writes."""
    folder = tmp_path / "latest"
    export_model(weights, new_study(), shapes_store, folder / "weights.pt")
    (folder / "config.yaml").write_text(dump(new_study()))
    (folder / "classes.json").write_text(json.dumps(manifest.classes))
    fed = {"mean": manifest.mean, "std": manifest.std, "image_size": 16, "channels": 1}
    (folder / "normalization.json").write_text(json.dumps(fed))
    return folder


def test_a_promoted_model_is_as_good_in_use_as_it_was_measured(
    new_study: NewStudy,
    promoted: Path,
    shapes: Path,
    shapes_store: Path,
    manifest: DatasetManifest,
    weights: Path,
) -> None:
    rows = range(manifest.splits["val"].start, manifest.splits["val"].stop)
    names = [manifest.names[row] for row in rows]
    labels = torch.tensor([manifest.classes.index(name.split("/")[0]) for name in names])
    logits = Classifier(promoted, device="cpu").logits(
        [(shapes / name).read_bytes() for name in names]
    )
    measured = measure(new_study(), shapes_store, weights, "val", device="cpu", threads=1)
    assert summarise(logits, labels)["loss"] == pytest.approx(measured["loss"], rel=1e-3)
    assert summarise(logits, labels)["accuracy"] == measured["accuracy"]


def test_a_picture_gets_a_probability_for_each_class_highest_first(
    promoted: Path, shapes: Path, manifest: DatasetManifest
) -> None:
    found = Classifier(promoted, device="cpu").classify(shapes / "top" / "000.png")
    assert found.keys() == set(manifest.classes)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_file_that_is_no_picture_is_named(promoted: Path) -> None:
    with pytest.raises(DataError, match=r"classes\.json: not a picture"):
        Classifier(promoted, device="cpu").classify(promoted / "classes.json")


@pytest.mark.parametrize(
    "damaged", ["weights.pt", "config.yaml", "classes.json", "normalization.json"]
)
def test_a_damaged_folder_is_named(promoted: Path, damaged: str) -> None:
    (promoted / damaged).write_bytes(b"")
    with pytest.raises(CheckpointCorrupt, match="latest: not a promoted model"):
        Classifier(promoted, device="cpu")
