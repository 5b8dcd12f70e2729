"""A packed data set on disk, memory-mapped. Knows nothing of batches and devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from study import paths
from study.dataset import DatasetManifest, Split, SplitRange, read_manifest
from study.errors import BadData


@dataclass(frozen=True)
class Store:
    """Read only; any number of processes may map it, and they share its pages."""

    path: Path
    manifest: DatasetManifest

    @staticmethod
    def open(path: Path) -> Store:
        """Raises BadData where files are missing or have the wrong size."""
        manifest = read_manifest(path)
        sizes = {paths.PIXELS: manifest.pixel_bytes, paths.LABELS: 4 * len(manifest.names)}
        for name, wanted in sizes.items():
            try:
                found = (path / name).stat().st_size
            except OSError as error:
                raise BadData(f"{path / name}: missing from the packed data set") from error
            if found != wanted:
                raise BadData(
                    f"{path / name}: must be {wanted} bytes by its manifest, got {found}: "
                    "remove the directory and prepare again"
                )
        return Store(path, manifest)

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """(N, size, size, channels) uint8, memory-mapped; train, val, test. Raises BadData."""
        side, channels = self.manifest.size, self.manifest.channels
        shape = (len(self.manifest.names), side, side, channels)
        # Copy-on-write: torch warns of arrays that it could not write to. Nothing writes.
        with self._still_there():
            return np.memmap(self.path / paths.PIXELS, np.uint8, "c", shape=shape)

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """(N,) int32, indices into the manifest's classes. Raises BadData."""
        with self._still_there():
            return np.fromfile(self.path / paths.LABELS, "<i4").astype(np.int32, copy=False)

    @contextmanager
    def _still_there(self) -> Iterator[None]:
        """A warm process may wait for hours between opening a store and reading it."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: cut short
            raise BadData(f"{self.path}: the packed data set is gone: {error}") from error

    def fold(self, number: int) -> Store:
        """The same pictures with the fold of that number as val and the others as train. Raises
        BadData where the data set has no such fold."""
        folds, splits = self.manifest.folds, self.manifest.splits
        if not 0 <= number < len(folds):
            raise BadData(f"{self.path}: no fold {number}, the data set has {len(folds)} folds")
        held_out = folds[number]
        others = [fold.class_counts for fold in folds if fold is not held_out]
        train = SplitRange(
            start=0,
            stop=splits["val"].stop,
            class_counts=tuple(map(sum, zip(*others, strict=True))),
            without=(held_out.start, held_out.stop),
        )
        divided = {**splits, "train": train, "val": held_out}
        return replace(self, manifest=self.manifest.model_copy(update={"splits": divided}))

    def split(self, name: Split) -> SplitRange:
        """A split's rows. Raises BadData where the data set has none of that name."""
        try:
            return self.manifest.splits[name]
        except KeyError as error:
            have = ", ".join(self.manifest.splits)
            raise BadData(f"{self.path}: no {name} split, the data set has {have}") from error
