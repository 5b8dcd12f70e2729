"""Finds files with the same bytes, within and across splits and classes.

Knows nothing of near-duplicates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from study.dataset import SPLITS, Duplicates, Split
from worker.data.units import Picture


def find_duplicates(pictures: Sequence[Picture], splits: Sequence[Split]) -> tuple[Duplicates, ...]:
    """Sets of equal files, sorted by their first name; splits: each picture's own."""
    copies: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        copies[picture.sha256].append(index)
    found = [
        Duplicates(
            names=tuple(sorted(pictures[index].name for index in same)),
            splits=tuple(split for split in SPLITS if split in {splits[index] for index in same}),
            classes=tuple(sorted({pictures[index].label for index in same})),
        )
        for same in copies.values()
        if len(same) > 1
    ]
    return tuple(sorted(found, key=lambda duplicates: duplicates.names))
