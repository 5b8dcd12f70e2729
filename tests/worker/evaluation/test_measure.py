from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch

from study.config.records import StudyConfig
from study.config.search import Metric
from study.errors import BadData, CheckpointCorrupt
from worker.data.store import Store
from worker.evaluation.measure import export_model, measure
from worker.models.build import build_model
from worker.models.weights import save_weights

NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def weights(new_study: NewStudy, tmp_path: Path) -> Path:
    """Of an untrained model of the study."""
    torch.manual_seed(0)
    model = build_model(new_study().model, channels=1, image_size=16, n_classes=3)
    return tmp_path / save_weights(tmp_path, "best-0001-00000", model.state_dict(), {"epoch": 0})


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_is_measured_whole_and_the_same_every_time(
    split: str, new_study: NewStudy, shapes_store: Path, weights: Path
) -> None:
    def once(batch_size: int) -> dict[str, float]:
        config = new_study(training={"batch_size": batch_size, "precision": "float32"})
        return measure(config, shapes_store, weights, split, device="auto", threads=1)  # type: ignore[arg-type]

    metrics = once(8)
    assert metrics.keys() == set(get_args(Metric))
    assert once(8) == metrics
    assert once(7)["accuracy"] == metrics["accuracy"]
    size = Store.open(shapes_store).split(split).size  # type: ignore[arg-type]
    assert round(metrics["accuracy"] * size, 6) == round(metrics["accuracy"] * size)
    assert metrics["top5"] == 1.0


def test_damaged_weights_are_not_measured(
    new_study: NewStudy, shapes_store: Path, weights: Path
) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CheckpointCorrupt, match="the file is damaged"):
        measure(new_study(), shapes_store, weights, "val", device="cpu", threads=1)


def test_weights_of_another_model_are_refused(
    new_study: NewStudy, shapes_store: Path, weights: Path
) -> None:
    other = new_study(model={"fc_size": 8})
    with pytest.raises(CheckpointCorrupt, match=f"{weights.name}: not of this configuration"):
        measure(other, shapes_store, weights, "val", device="cpu", threads=1)


def test_a_missing_store_is_bad_data(new_study: NewStudy, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData):
        measure(new_study(), tmp_path / "gone", weights, "val", device="cpu", threads=1)


def test_an_exported_model_is_a_state_dict_and_nothing_else(
    new_study: NewStudy, shapes_store: Path, weights: Path, tmp_path: Path
) -> None:
    target = tmp_path / "promoted" / "weights.pt"
    config = new_study()
    export_model(weights, config, shapes_store, target)

    state = torch.load(target, weights_only=True)
    model = build_model(config.model, channels=1, image_size=16, n_classes=3)
    assert state.keys() == model.state_dict().keys()
    model.load_state_dict(state)
    assert [path.name for path in target.parent.iterdir()] == ["weights.pt"]


def test_damaged_weights_are_not_exported(
    new_study: NewStudy, shapes_store: Path, weights: Path, tmp_path: Path
) -> None:
    weights.write_bytes(b"")
    target = tmp_path / "weights.pt"
    with pytest.raises(CheckpointCorrupt):
        export_model(weights, new_study(), shapes_store, target)
    assert not target.exists()
