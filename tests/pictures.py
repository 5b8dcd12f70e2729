"""Small generated pictures that a small network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def draw_classes(
    folder: Path, *, classes: int = 3, per_class: int = 40, side: int = 16, seed: int = 0
) -> Path:
    """Writes `classes` folders of PNG files: a bright bar at a place of the class, in noise."""
    rng = np.random.default_rng(seed)
    for label in range(classes):
        directory = folder / f"class-{label}"
        directory.mkdir(parents=True)
        for index in range(per_class):
            pixels = rng.integers(0, 100, (side, side, 3), dtype=np.uint8)
            row = (label * side) // classes
            pixels[row : row + side // classes, :, label % 3] += 120
            Image.fromarray(pixels).save(directory / f"{index:03d}.png")
    return folder
