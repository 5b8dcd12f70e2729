"""What is measured on: an archive or a folder of pictures that was given, or made-up ones.

Made-up pictures are JPEG files of three classes, written once into HPO_HOME, so that anybody can
repeat the figures. Knows nothing of what is measured.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from study import atomic, paths
from worker.data.source import open_source

CLASSES, PER_CLASS = 3, 1000
SHORT_SIDE = 160  # pixels, of made-up pictures
QUALITY = 90  # of JPEG: about 0.3 bytes a pixel, as a camera's photographs
PHOTOGRAPH = 375  # pixels, the short side of photographs as data sets publish them


def given_or_made_up(given: Path | None, per_class: int = PER_CLASS) -> Path:
    """The pictures that were named, or the archive of made-up ones."""
    if given is not None:
        return given
    archive = paths.home() / "bench" / f"made-up-{per_class}.zip"
    if not archive.exists():
        with atomic.replacing(archive) as file, zipfile.ZipFile(file, "w") as members:
            for name, content in _made_up(per_class):
                members.writestr(name, content)
    return archive


def extract(
    pictures: Path,
    folder: Path,
    *,
    limit: int | None = None,
    enlarge: bool = False,
    val_every: int | None = None,
) -> Path:
    """Writes pictures as files below class folders, what torchvision's ImageFolder reads.

    limit: of each class at most so many. enlarge: to the size of photographs, PHOTOGRAPH pixels.
    val_every: each so-manieth of a class goes below val/, the others below train/.
    """
    counts: Counter[str] = Counter()
    with closing(open_source(str(pictures))) as source:
        for entry in source.listing().entries:
            number = counts[entry.label]
            counts[entry.label] += 1
            if limit is not None and number >= limit:
                continue
            content = source.read(entry.name)
            split = "" if val_every is None else "train" if number % val_every else "val"
            suffix = ".jpg" if enlarge else Path(entry.name).suffix.lower()
            file = folder / split / entry.label / f"{number:05d}{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_enlarged(content) if enlarge else content)
    return folder


def _enlarged(content: bytes) -> bytes:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    factor = PHOTOGRAPH / min(picture.size)
    width, height = (round(side * factor) for side in picture.size)
    return _jpeg(picture.resize((width, height), Image.Resampling.LANCZOS))


def _made_up(per_class: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents: clouds in colours of chance, through which stripes run in the direction
    of the class, fainter in some than in others."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        for number in range(per_class):
            shape = (SHORT_SIDE, int(random.integers(SHORT_SIDE, 4 * SHORT_SIDE // 3 + 1)))
            pixels = _clouds(random, shape) + _stripes(random, shape, label)[..., None]
            picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            yield f"class-{label}/{number:05d}.jpg", _jpeg(picture)


def _clouds(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W, 3): noise of five scales, the coarse ones stronger, as in photographs."""
    size = (shape[1], shape[0])
    total = np.full((*shape, 3), 128.0)
    for cells, strength in ((3, 60), (8, 40), (20, 25), (50, 15), (SHORT_SIDE, 8)):
        coarse = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        enlarged = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        total += (np.asarray(enlarged, np.float64) - 128) * strength / 64
    return total


def _stripes(
    random: np.random.Generator, shape: tuple[int, int], label: int
) -> NDArray[np.float64]:
    """(H, W)."""
    angle = np.pi * label / CLASSES + random.normal(0, 0.25)
    y, x = np.mgrid[: shape[0], : shape[1]]
    phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / random.uniform(8, 40)
    waves: NDArray[np.float64] = random.uniform(2, 30) * np.sin(phase + random.uniform(0, 6))
    return waves


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
