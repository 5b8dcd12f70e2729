"""`hpo data inspect` as it is called, with the real packing and a trained model's features."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision.models

from study.config.dump import dump
from study.config.records import StudyConfig
from study.errors import UsageError

from .conftest import Verb


@pytest.fixture
def file(home: Path, new_study: Callable[..., StudyConfig]) -> Path:
    """The study of the packed pictures."""
    path = home / "shapes.yaml"
    path.write_text(dump(new_study()))
    return path


def test_counts_are_shown_and_everything_is_written_beside_the_studys_artifacts(
    verb: Verb, file: Path, home: Path
) -> None:
    ended = verb("inspect", file)
    assert "180" in ended.out
    assert "files: 180 PNG L" in ended.out
    assert "identical files: none" in ended.out
    written = home / "artifacts/shapes/data"
    assert f"written: {written}" in ended.err
    assert {found.name for found in written.iterdir()} == {
        "inspect.json",
        "counts.png",
        "sizes.png",
        "duplicates.png",
    }


def test_pictures_of_the_command_line_are_packed_and_inspected(
    verb: Verb, file: Path, home: Path, shapes: Path
) -> None:
    shutil.copytree(shapes, home / "more")
    shutil.copy(home / "more/top/000.png", home / "more/bottom/new.png")
    ended = verb("inspect", file, "--data", "more", "--output", "out")
    assert "identical files: 1 sets of 2 pictures, 0 across splits, 1 across classes" in ended.out
    assert len(json.loads((home / "out/inspect.json").read_text())["identical"]) == 1


def test_a_models_features_find_what_is_alike_to_it(
    verb: Verb, file: Path, home: Path, promoted: Path
) -> None:
    ended = verb("inspect", file, "--features", promoted, "--output", "out")
    assert "alike to the network (cosine at least 0.95)" in ended.out
    sets = json.loads((home / "out/inspect.json").read_text())["similar"]
    assert sets


def test_the_studys_own_network_compares_with_its_trained_weights(
    verb: Verb, file: Path, home: Path
) -> None:
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), home / "trained.pt")
    own = ["model={name: mobilenet_v3_small, weights: trained.pt}", "data.image_size=32"]
    ended = verb("inspect", file, *own, "--features", "model", "--output", "out")
    assert "alike to the network" in ended.out


def test_a_network_that_begins_from_nothing_has_no_features(verb: Verb, file: Path) -> None:
    with pytest.raises(UsageError, match="dynamic_cnn begins without trained weights"):
        verb("inspect", file, "--features", "model")


def test_features_of_a_model_with_other_channels_are_refused(
    verb: Verb, file: Path, promoted: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"takes 1 channels, the data set has 3: set data\.channels"
    ):
        verb("inspect", file, "data.channels=3", "--features", promoted)
