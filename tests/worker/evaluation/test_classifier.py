"""A promoted folder in use; what it is fed with is compared with what validation measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from study.config.dump import dump
from study.config.records import StudyConfig
from study.dataset import DatasetManifest, read_manifest
from study.errors import CheckpointCorrupt, DataError
from tests.worker.promotion import seal, write_json
from worker.evaluation.classifier import Classifier
from worker.evaluation.measure import measure
from worker.evaluation.metrics import summarise


@pytest.fixture
def manifest(shapes_store: Path) -> DatasetManifest:
    return read_manifest(shapes_store)


def test_a_promoted_model_is_as_good_in_use_as_it_was_measured(
    trained_study: StudyConfig,
    promoted: Path,
    shapes: Path,
    shapes_store: Path,
    manifest: DatasetManifest,
    trained: Path,
) -> None:
    rows = range(manifest.splits["val"].start, manifest.splits["val"].stop)
    names = [manifest.names[row] for row in rows]
    labels = torch.tensor([manifest.classes.index(name.split("/")[0]) for name in names])
    logits = Classifier(promoted, device="cpu").logits(
        [(shapes / name).read_bytes() for name in names]
    )
    measured = measure(trained_study, shapes_store, trained, "val", device="cpu", threads=1)
    assert summarise(logits, labels)["loss"] == pytest.approx(measured["loss"], rel=1e-3)
    assert summarise(logits, labels)["accuracy"] == measured["accuracy"]


def test_a_picture_gets_a_probability_for_each_class_highest_first(
    promoted: Path, shapes: Path, manifest: DatasetManifest
) -> None:
    found = Classifier(promoted, device="cpu").classify(shapes / "top" / "000.png")
    assert found.keys() == set(manifest.classes)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1.0)
    assert next(iter(found)) == "top"


def test_a_file_that_is_no_picture_is_named(promoted: Path) -> None:
    with pytest.raises(DataError, match=r"classes\.json: not a picture"):
        Classifier(promoted, device="cpu").classify(promoted / "classes.json")


@pytest.mark.parametrize(
    "damaged", ["weights.pt", "config.yaml", "classes.json", "normalization.json"]
)
def test_a_damaged_file_is_named_with_both_checksums(promoted: Path, damaged: str) -> None:
    (promoted / damaged).write_bytes(b"")
    told = (
        f"0001: {damaged} does not match its checksum: the manifest has .*, the file e3b0c44298fc"
    )
    with pytest.raises(CheckpointCorrupt, match=told):
        Classifier(promoted, device="cpu")


@pytest.mark.parametrize("wrong", ["weights.pt", "config.yaml", "classes.json", "metrics.json"])
def test_a_folder_that_is_no_promoted_model_is_refused(
    promoted: Path, manifest: DatasetManifest, wrong: str
) -> None:
    (promoted / wrong).write_bytes(b"{}")
    seal(promoted, manifest.content)
    with pytest.raises(CheckpointCorrupt, match="0001: not a promoted model"):
        Classifier(promoted, device="cpu")


def test_weights_of_another_class_count_are_refused_with_both_sides_named(
    promoted: Path, manifest: DatasetManifest
) -> None:
    write_json(promoted / "classes.json", [*manifest.classes, "left"])
    seal(promoted, manifest.content)
    told = (
        r"weights\.pt must be of dynamic_cnn for 4 classes, as config\.yaml and classes\.json say: "
        r"classifier\.4\.bias is \(4,\) in the model and \(3,\) in the file"
    )
    with pytest.raises(CheckpointCorrupt, match=told):
        Classifier(promoted, device="cpu")


def test_weights_of_another_architecture_are_refused_with_both_sides_named(
    promoted: Path, trained_study: StudyConfig, manifest: DatasetManifest
) -> None:
    deeper = trained_study.model.model_copy(
        update={"n_layers": 3, "n_filters": (16, 16, 16), "kernel_sizes": (3, 3, 3)}
    )
    (promoted / "config.yaml").write_text(dump(trained_study.model_copy(update={"model": deeper})))
    seal(promoted, manifest.content)
    with pytest.raises(CheckpointCorrupt, match=r"the model has blocks\.2\.0\.bias.*the file has"):
        Classifier(promoted, device="cpu")


def test_weights_that_would_run_code_are_refused(promoted: Path, manifest: DatasetManifest) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return print, ("run",)

    torch.save({"state": Hostile()}, promoted / "weights.pt")
    seal(promoted, manifest.content)
    with pytest.raises(CheckpointCorrupt, match=r"not a promoted model.*[Ww]eights"):
        Classifier(promoted, device="cpu")


def test_what_promotion_measured_comes_with_the_model(promoted: Path) -> None:
    described = Classifier(promoted, device="cpu").described
    measured = json.loads((promoted / "metrics.json").read_text())
    assert described.calibration == measured["calibration"]
    assert [epoch["epoch"] for epoch in described.history] == [0, 1, 2]
