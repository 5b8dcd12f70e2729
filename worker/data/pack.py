"""Writes a store: pixels, labels and, last of all, the manifest; then renames it into its place.

Copies squares from decoded chunks in blocks, so memory does not grow with the data set. Knows
nothing of decoding and splitting.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from study import atomic, paths
from study.dataset import SPLITS, DatasetManifest, Split, SplitRange
from worker.data.chunks import Chunk

BLOCK_BYTES = 8 * 2**20  # squares in memory at once


@dataclass(frozen=True)
class Row:
    """One row of the store."""

    name: str
    label: int
    split: Split
    fold: int
    chunk: int
    """Index of the chunk that holds its square."""
    position: int
    """Of the square in the chunk."""


@dataclass(frozen=True)
class Packed:
    """What was measured while the pixels were written."""

    content: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def order_rows(rows: Sequence[Row]) -> list[Row]:
    """The order of the store: train, val, test; by fold and name within."""
    return sorted(rows, key=lambda row: (SPLITS.index(row.split), row.fold, row.name))


def split_ranges(rows: Sequence[Row], n_classes: int) -> dict[Split, SplitRange]:
    """Where each split lies in ordered rows; splits without pictures are left out."""
    ranges: dict[Split, SplitRange] = {}
    start = 0
    for split in SPLITS:
        labels = [row.label for row in rows if row.split == split]
        if labels:
            counts = np.bincount(labels, minlength=n_classes).tolist()
            stop = start + len(labels)
            ranges[split] = SplitRange(start=start, stop=stop, class_counts=tuple(counts))
            start = stop
    return ranges


def fold_ranges(rows: Sequence[Row], n_classes: int) -> tuple[SplitRange, ...]:
    """Where each fold lies in ordered rows; none where there is only one."""
    folds: dict[int, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.split != "test":
            folds[row.fold].append(index)
    if len(folds) == 1:
        return ()
    return tuple(
        SplitRange(
            start=folds[fold][0],
            stop=folds[fold][-1] + 1,
            class_counts=tuple(
                np.bincount(
                    [rows[index].label for index in folds[fold]], minlength=n_classes
                ).tolist()
            ),
        )
        for fold in sorted(folds)
    )


def begin_content(
    classes: Sequence[str],
    splits: Mapping[Split, SplitRange],
    folds: Sequence[SplitRange],
    square: Sequence[int],
) -> hashlib._Hash:
    """The checksum that names a store, before its labels and then its pixels are added.

    square: shape of one, (P, P, C).
    """
    header = {
        "classes": list(classes),
        "splits": {name: [part.start, part.stop] for name, part in splits.items()},
        "square": list(square),
        **({"folds": [[fold.start, fold.stop] for fold in folds]} if folds else {}),
    }
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode())


def write_arrays(
    directory: Path,
    rows: Sequence[Row],
    chunks: Sequence[Chunk],
    classes: Sequence[str],
    splits: dict[Split, SplitRange],
    folds: Sequence[SplitRange],
) -> Packed:
    """Writes pixels.bin and labels.bin of ordered rows. Raises OSError where the disk is full."""
    digest = begin_content(classes, splits, folds, chunks[0].squares().shape[1:])
    labels = np.array([row.label for row in rows], "<i4").tobytes()
    digest.update(labels)
    atomic.write_bytes(directory / paths.LABELS, labels)
    moments = _Moments(until=splits["train"].stop)
    with atomic.replacing(directory / paths.PIXELS) as file:
        for block in _blocks(rows, chunks):
            moments.add(block)
            content = block.tobytes()
            digest.update(content)
            file.write(content)
    mean, std = moments.result()
    return Packed(digest.hexdigest(), mean, std)


def publish(directory: Path, manifest: DatasetManifest, target: Path) -> None:
    """Adds the manifest to the arrays in `directory` and makes that the store `target`.

    Where the same content is there already, its files are replaced: one may be damaged, and the
    manifest's names may differ.
    """
    write_manifest(directory, manifest)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        for name in (paths.PIXELS, paths.LABELS, paths.MANIFEST):
            (directory / name).replace(target / name)
        directory.rmdir()
    atomic.sync_directory(target.parent)


def write_manifest(store: Path, manifest: DatasetManifest) -> None:
    """Replaces a store's manifest."""
    atomic.write_json(store / paths.MANIFEST, manifest.model_dump(mode="json"))


def _blocks(rows: Sequence[Row], chunks: Sequence[Chunk]) -> Iterator[NDArray[np.uint8]]:
    """The rows' squares in order, a few at a time: (some, side, side, channels) uint8."""
    squares = [chunk.squares() for chunk in chunks]
    shape = squares[0].shape[1:]
    length = max(1, BLOCK_BYTES // int(np.prod(shape)))
    for start in range(0, len(rows), length):
        part = rows[start : start + length]
        block = np.empty((len(part), *shape), np.uint8)
        for index, row in enumerate(part):
            block[index] = squares[row.chunk][row.position]
        yield block


class _Moments:
    """Mean and standard deviation per channel of the first rows, from exact integer sums."""

    def __init__(self, until: int) -> None:
        self._left = until
        self._pixels = 0
        self._sum: NDArray[np.int64] = np.zeros(1, np.int64)
        self._squares: NDArray[np.int64] = np.zeros(1, np.int64)

    def add(self, block: NDArray[np.uint8]) -> None:
        """block: (rows, side, side, channels) uint8."""
        values = block[: self._left].reshape(-1, block.shape[-1]).astype(np.uint32)
        self._left -= min(self._left, len(block))
        self._pixels += len(values)
        self._sum = self._sum + values.sum(axis=0, dtype=np.int64)
        self._squares = self._squares + np.square(values).sum(axis=0, dtype=np.int64)

    def result(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """In [0, 1]; a standard deviation is at least one level, so that it can be divided by."""
        mean = self._sum / self._pixels
        variance = np.maximum(self._squares / self._pixels - mean**2, 1.0)
        return tuple((mean / 255).tolist()), tuple((np.sqrt(variance) / 255).tolist())
