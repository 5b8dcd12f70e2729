"""Which of a source's pictures a study uses, and as which split: data.classes and split.given_val.

Knows nothing of where the pictures are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from difflib import get_close_matches

from study.config.data import Classes, DataConfig
from study.config.nearest import hint
from study.errors import DataError
from study.listing import Entry, Listing

SHOWN = 30  # names in an error; a source may have thousands of classes


def choose(listing: Listing, config: DataConfig, where: str) -> Listing:
    """What is left of a source's listing for the study.

    where: the source, for messages. Raises DataError for classes that the source does not have.
    """
    if config.split.given_val == "test":
        listing = _val_as_test(listing, where)
    if config.classes is not None:
        listing = _of_classes(listing, config.classes, where)
    return listing


def _val_as_test(listing: Listing, where: str) -> Listing:
    if {entry.split for entry in listing.entries} >= {"val", "test"}:
        raise DataError(
            f"{where}: split.given_val=test needs a source without a test split, it has both val "
            "and test: remove given_val"
        )
    return replace(listing, entries=tuple(map(_renamed, listing.entries)))


def _renamed(entry: Entry) -> Entry:
    return replace(entry, split="test") if entry.split == "val" else entry


def _of_classes(listing: Listing, wanted: Classes, where: str) -> Listing:
    kept = (
        _largest(listing, wanted, where)
        if isinstance(wanted, int)
        else _named(listing, wanted, where)
    )
    entries = tuple(entry for entry in listing.entries if entry.label in kept)
    unused = len(listing.classes) - len(kept)
    note = f"data.classes leaves out {unused} of {len(listing.classes)} classes"
    return Listing(entries, (*listing.notes, *((note,) if unused else ())))


def _largest(listing: Listing, count: int, where: str) -> set[str]:
    """Of equally large ones the first by name."""
    if count > len(listing.classes):
        raise DataError(
            f"{where}: data.classes must be at most the {len(listing.classes)} classes there are, "
            f"got {count}"
        )
    pictures = Counter(entry.label for entry in listing.entries)
    return set(sorted(listing.classes, key=lambda label: (-pictures[label], label))[:count])


def _named(listing: Listing, names: tuple[str, ...], where: str) -> set[str]:
    for name in names:
        if name not in listing.classes:
            raise DataError(f"{where}: data.classes: no class {name!r}{_near(name, listing)}")
    return set(names)


def _near(name: str, listing: Listing) -> str:
    """All the names that are valid, of many the nearest alone."""
    if len(listing.classes) <= SHOWN:
        return hint(name, listing.classes)
    similar = get_close_matches(name, listing.classes, n=5, cutoff=0.4)
    return f"; valid are {len(listing.classes)} names, the nearest {', '.join(similar) or 'none'}"
