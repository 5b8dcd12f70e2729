"""Whether pictures make a data set: enough of them, of two classes at least, that can be decoded.

Knows nothing of how they are decoded, and of what is packed of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from study.config.data import DataConfig
from study.errors import DataError
from study.listing import Listing
from worker.data.chunks import Chunk
from worker.data.split import assign
from worker.data.units import Picture, find_units


def check_listing(listing: Listing, config: DataConfig, where: str) -> None:
    """What names alone can tell, before anything is decoded. Raises DataError."""
    if not listing.entries:
        raise DataError(
            f"{where}: no pictures found: a class is a folder of .jpg, .png or similar files"
        )
    if len(listing.classes) < 2:
        raise DataError(
            f"{where}: a classifier needs two classes, got only {listing.classes[0]!r}: "
            "put the pictures of each class into a folder of its own"
        )
    pictures = [
        Picture(entry.name, entry.label, entry.name, entry.split, entry.group)
        for entry in listing.entries
    ]
    assign(pictures, find_units(pictures, config.split.group), config.split)


def usable(listing: Listing, chunks: Sequence[Chunk], where: str) -> list[Picture]:
    """Those of `listing` that were decoded. Raises DataError where a class has none."""
    outcomes = [outcome for chunk in chunks for outcome in chunk.outcomes]
    pictures = [
        Picture(entry.name, entry.label, outcome.sha256, entry.split, entry.group)
        for entry, outcome in zip(listing.entries, outcomes, strict=True)
        if outcome.broken is None and outcome.sha256 is not None
    ]
    lost = sorted(set(listing.classes) - {picture.label for picture in pictures})
    if lost:
        broken = [outcome for outcome in outcomes if outcome.broken]
        raise DataError(
            f"{where}: no usable pictures{' of ' + lost[0] if pictures else ''}, "
            f"{len(broken)} of {len(listing.entries)} files cannot be used, "
            f"first {broken[0].name}: {broken[0].broken}"
        )
    return pictures
