"""Small pictures for tests: smooth, so that resampling and JPEG change them little."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def smooth(seed: int, width: int = 40, height: int = 32) -> Image.Image:
    """A random colour gradient, different for every seed."""
    corners = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """An image file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(seed: int, width: int = 40, height: int = 32) -> bytes:
    """A PNG file."""
    return encoded(smooth(seed, width, height))


def jpeg(seed: int, width: int = 40, height: int = 32) -> bytes:
    """A JPEG file, without chroma subsampling."""
    return encoded(smooth(seed, width, height), "JPEG", quality=95, subsampling=0)


def flowers(count: int = 8, classes: tuple[str, ...] = ("daisy", "rose")) -> dict[str, bytes]:
    """`count` PNG files a class: `daisy/00.png` and so on."""
    return {
        f"{label}/{number:02d}.png": png(1000 * index + number)
        for index, label in enumerate(classes)
        for number in range(count)
    }


def write_tree(root: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files below `root`."""
    for name, content in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


def write_zip(target: Path, files: Mapping[str, bytes]) -> Path:
    """Writes an archive of the files."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target
