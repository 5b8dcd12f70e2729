"""What `inspect` finds in a packed data set and the files it came from, as one record.

Knows nothing of how it is shown (survey_table.py, survey_figures.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from study.config.data import DataConfig
from study.dataset import (
    SPLITS,
    Converted,
    DatasetManifest,
    Duplicates,
    ManifestRecord,
    Quarantined,
    Split,
)
from worker.data.alike import COSINE, NEAR_BITS, feature_pairs, joined, near_sets
from worker.data.decode import Header
from worker.data.store import Store


class Spread(ManifestRecord):
    """Of one number that each picture has."""

    least: int
    median: float
    most: int


class Sizes(ManifestRecord):
    """Of the files, before they are packed."""

    pictures: int
    width: Spread
    """Pixels."""
    height: Spread
    """Pixels."""
    file: Spread
    """Bytes."""
    formats: dict[str, int]
    """Files of each format and mode, as `JPEG RGB`."""
    enlarged: int
    """Pictures whose short side is below data.image_size: they gain no detail."""


class Survey(ManifestRecord):
    """Of one study's pictures."""

    source: str
    content: str
    """The packed data set's name."""
    classes: tuple[str, ...]
    counts: dict[Split, tuple[int, ...]]
    """Pictures of each class, in the order of `classes`."""
    sizes: Sizes | None
    """None where no file could be read again."""
    identical: tuple[Duplicates, ...]
    """Files with the same bytes."""
    near: tuple[Duplicates, ...]
    """Pictures whose perceptual hashes are near; sets of identical files are not told again."""
    near_bits: int = NEAR_BITS
    """Bits of 256 in which two hashes may differ."""
    similar: tuple[Duplicates, ...] | None = None
    """Pictures that a network finds alike; None where none was asked."""
    similar_cosine: float = COSINE
    """Least cosine of two pictures' features."""
    quarantined: tuple[Quarantined, ...]
    converted: tuple[Converted, ...]
    notes: tuple[str, ...]


def survey(
    store: Store,
    config: DataConfig,
    headers: Sequence[Header],
    features: NDArray[np.float32] | None = None,
) -> Survey:
    """Looks at every packed picture. headers: of the source's files. features: (N, D) float32 of
    the store's rows, from a network."""
    manifest = store.manifest
    copies = [set(found.names) for found in manifest.duplicates]
    near = [
        found
        for found in described(store, near_sets([store.pixels]))
        if not any(set(found.names) <= names for names in copies)
    ]
    return Survey(
        source=manifest.source,
        content=manifest.content,
        classes=manifest.classes,
        counts={name: rows.class_counts for name, rows in manifest.splits.items()},
        sizes=sizes_of(headers, config.image_size),
        identical=manifest.duplicates,
        near=tuple(near),
        similar=None
        if features is None
        else tuple(described(store, joined(len(features), feature_pairs(features)))),
        quarantined=manifest.quarantined,
        converted=manifest.converted,
        notes=manifest.notes,
    )


def described(store: Store, sets: Iterable[Sequence[int]]) -> list[Duplicates]:
    """Sets of the store's rows, those in several splits first, then by their first name."""
    manifest = store.manifest
    split_of_row = splits_of_rows(manifest)
    found = []
    for rows in sets:
        splits = {split_of_row[row] for row in rows}
        classes = {manifest.classes[store.labels[row]] for row in rows}
        found.append(
            Duplicates(
                names=tuple(sorted(manifest.names[row] for row in rows)),
                splits=tuple(split for split in SPLITS if split in splits),
                classes=tuple(sorted(classes)),
            )
        )
    return sorted(found, key=lambda one: (-len(one.splits), -len(one.classes), one.names))


def splits_of_rows(manifest: DatasetManifest) -> list[Split]:
    """Each row's split."""
    return [
        name
        for name in SPLITS
        if name in manifest.splits
        for _ in range(manifest.splits[name].size)
    ]


def sizes_of(headers: Sequence[Header], image_size: int) -> Sizes | None:
    """None for no headers."""
    if not headers:
        return None
    return Sizes(
        pictures=len(headers),
        width=_spread([header.width for header in headers]),
        height=_spread([header.height for header in headers]),
        file=_spread([header.file_bytes for header in headers]),
        formats=dict(Counter(f"{one.format} {one.mode}" for one in headers).most_common()),
        enlarged=sum(min(header.width, header.height) < image_size for header in headers),
    )


def _spread(values: Sequence[int]) -> Spread:
    return Spread(least=min(values), median=median(values), most=max(values))
