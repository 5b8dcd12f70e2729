from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.evaluation.figures import WrongPicture, draw_confusion, draw_curves, draw_mistakes


def size_of(file: Path) -> tuple[int, int]:
    """Pixels of a figure that is not blank."""
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 10
        return image.size


@pytest.mark.parametrize("epochs", [1, 50])
def test_curves_are_drawn_of_one_epoch_and_of_many(epochs: int, tmp_path: Path) -> None:
    history = [
        {"loss": 1 / (epoch + 1), "train_loss": 0.5, "accuracy": 0.5, "train_accuracy": 0.6}
        for epoch in range(epochs)
    ]
    draw_curves(history, epochs - 1, tmp_path / "curves.png")
    assert size_of(tmp_path / "curves.png") == (1000, 400)


@pytest.mark.parametrize(("classes", "pixels"), [(3, 450), (20, 900), (150, 1500), (300, 1500)])
def test_a_confusion_matrix_grows_with_its_classes(
    classes: int, pixels: int, tmp_path: Path
) -> None:
    names = [f"species-{number}" for number in range(classes)]
    confusion = 5 * np.eye(classes, dtype=np.int64) + np.eye(classes, k=1, dtype=np.int64)
    draw_confusion(names, confusion, names[:2], tmp_path / "confusion.png")
    assert min(size_of(tmp_path / "confusion.png")) >= pixels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pictures", [1, 13])
def test_mistakes_are_shown_with_their_pictures(
    channels: int, pictures: int, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, channels), dtype=np.uint8)
    wrong = WrongPicture(pixels=pixels, true="cat", predicted="panda", confidence=0.97)
    draw_mistakes([wrong] * pictures, tmp_path / "mistakes.png")
    width, height = size_of(tmp_path / "mistakes.png")
    assert width == 1200
    assert (height > 600) == (pictures > 12)
