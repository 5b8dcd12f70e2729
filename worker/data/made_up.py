"""Made-up pictures in the shape of a study's packed data set, for measuring without data.

In memory alone. Knows nothing of what is measured.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from study.config.data import DataConfig
from study.dataset import DatasetManifest, SplitRange
from worker.data.store import Store

CLASSES = 10  # how many there are is not known without data, and costs next to nothing
PIXEL_BYTES = 256 * 2**20  # of made-up pictures, unless one batch has more
BATCHES = 4  # of made-up pictures, where that many fit


class MadeUpStore(Store):
    """Noise in memory, in the shape of a study's packed data set."""

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """(N, size, size, channels) uint8."""
        side, channels = self.manifest.size, self.manifest.channels
        shape = (len(self.manifest.names), side, side, channels)
        return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """(N,) int32."""
        return np.arange(len(self.manifest.names), dtype=np.int32) % CLASSES


def made_up(data: DataConfig, batch: int) -> Store:
    """Some batches' worth of it, each split all of it."""
    each = data.packed_size**2 * data.channels
    count = max(batch, min(BATCHES * batch, PIXEL_BYTES // each), CLASSES)
    rows = SplitRange(start=0, stop=count, class_counts=(count // CLASSES,) * CLASSES)
    manifest = DatasetManifest(
        content="made-up",
        classes=tuple(map(str, range(CLASSES))),
        size=data.packed_size,
        channels=data.channels,
        splits={"train": rows, "val": rows},
        mean=(0.5,) * data.channels,
        std=(0.25,) * data.channels,
        source="made-up",
        names=tuple(map(str, range(count))),
    )
    return MadeUpStore(Path("made-up"), manifest)
