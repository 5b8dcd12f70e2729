"""What promotion notes of a trained model's own kind of pictures, tried on others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from study.config.records import StudyConfig
from worker.data.store import Store
from worker.evaluation.calibration import calibrate
from worker.evaluation.classifier import Classifier
from worker.evaluation.likeness import is_unlike


@pytest.fixture
def classifier(promoted: Path) -> Classifier:
    return Classifier(promoted, device="cpu")


def test_every_picture_of_both_splits_is_looked_at(
    trained_study: StudyConfig, shapes_store: Path, trained: Path
) -> None:
    likeness, calibration = calibrate(trained_study, shapes_store, trained, device="cpu", threads=1)
    splits = Store.open(shapes_store).manifest.splits
    assert calibration["training"] == splits["train"].size
    assert calibration["held_out"] == splits["val"].size
    assert set(likeness.layers) == {"blocks.0.0", "blocks.1.0", "last"}


def test_pictures_of_its_own_kind_that_it_never_saw_are_not_unlike(
    classifier: Classifier, shapes_store: Path
) -> None:
    store = Store.open(shapes_store)
    rows = store.split("test")
    _, distances = classifier.judge(store.pixels[rows.start : rows.stop])
    assert is_unlike(distances).sum() <= 2


@pytest.mark.parametrize("kind", ["noise", "inverted", "black", "white", "one brightness"])
def test_pictures_of_another_kind_are_unlike_although_the_model_answers(
    classifier: Classifier, shapes_store: Path, kind: str
) -> None:
    own = Store.open(shapes_store).pixels[:30]
    random = np.random.default_rng(0)
    others = {
        "noise": random.integers(0, 256, own.shape, dtype=np.uint8),
        "inverted": 255 - own,
        "black": np.zeros_like(own),
        "white": np.full_like(own, 255),
        "one brightness": np.full_like(own, 90),
    }
    logits, distances = classifier.judge(others[kind])
    assert logits.isfinite().all()
    assert is_unlike(distances).double().mean() > 0.9


def test_distances_do_not_depend_on_the_batch(classifier: Classifier, shapes_store: Path) -> None:
    pixels = Store.open(shapes_store).pixels[:5]
    alone = torch.cat([classifier.judge(pixels[row : row + 1])[1] for row in range(5)])
    torch.testing.assert_close(classifier.judge(pixels)[1], alone, rtol=1e-3, atol=1e-4)
