"""What a data set consists of: its pictures with their labels, read from names alone.

Understands a tree of class folders, also with train/, val/ and test/ above them and under a single
top folder. Knows nothing of where the names came from nor of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from study.dataset import Split
from study.errors import DataError

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One file that should be a picture."""

    name: str
    """Inside the source, with forward slashes."""
    label: str
    split: Split | None = None
    """None: not given by the source."""
    group: str | None = None
    """Only lists (.csv) give one."""


@dataclass(frozen=True)
class Listing:
    """All entries of a source, sorted by name."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels, sorted; a picture's label is its index here."""
        return tuple(sorted({entry.label for entry in self.entries}))


def is_picture(name: str) -> bool:
    """By its extension; hidden files and what macOS adds to archives are none."""
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not _hidden(path.parts)


def list_tree(files: Iterable[str], folders: Iterable[str], where: str) -> Listing:
    """Labels the pictures of a tree by their class folder.

    files, folders: names relative to the tree's root; where: the source, for messages.
    Raises DataError for an empty class folder and for split folders without train/.
    """
    pictures = [PurePosixPath(name).parts for name in files if is_picture(name)]
    directories = {PurePosixPath(name).parts for name in folders}
    directories = {parts for parts in directories if parts and not _hidden(parts)}
    depth = _class_depth(pictures, directories)
    tops = {parts[depth] for parts in pictures if len(parts) > depth + 1}
    split_above = bool(tops) and {top.lower() for top in tops} <= SPLIT_NAMES.keys()
    if split_above and "train" not in {top.lower() for top in tops}:
        raise DataError(
            f"{where}: split folders need train/ beside them, got {', '.join(sorted(tops))}"
        )
    level = depth + split_above
    entries = [
        Entry(
            name="/".join(parts),
            label=parts[level],
            split=SPLIT_NAMES[parts[depth].lower()] if split_above else None,
        )
        for parts in pictures
        if len(parts) > level + 1
    ]
    _check_classes({d[level] for d in directories if len(d) == level + 1}, entries, where)
    outside = len(pictures) - len(entries)
    notes = (f"{outside} pictures lie outside of any class folder and are not used",)
    return Listing(tuple(sorted(entries, key=lambda e: e.name)), notes if outside else ())


def _class_depth(pictures: list[Parts], directories: set[Parts]) -> int:
    """Folders above the classes: a lone top folder without pictures of its own is looked through.

    `animals/cats/1.jpg` has its classes at depth 1; `cats/1.jpg` and `train/cats/1.jpg` at 0.
    """
    depth = 0
    while True:
        tops = {p[depth] for p in pictures if len(p) > depth + 1}
        tops |= {d[depth] for d in directories if len(d) > depth}
        if len(tops) != 1 or next(iter(tops)).lower() in SPLIT_NAMES:
            return depth
        if not pictures or min(map(len, pictures)) <= depth + 2:
            return depth
        depth += 1


def _check_classes(folders: set[str], entries: list[Entry], where: str) -> None:
    empty = sorted(folders - {entry.label for entry in entries})
    if empty:
        raise DataError(
            f"{where}: every class folder must hold pictures, {', '.join(empty)} "
            f"{'has' if len(empty) == 1 else 'have'} none: add some or remove the folder"
        )


def _hidden(parts: Parts) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
