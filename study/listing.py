"""What a data set consists of: its pictures with their labels, read from names alone.

A class is a folder; what lies above is told by layout.py. Knows nothing of where the names came
from nor of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from study.dataset import Split
from study.errors import DataError
from study.layout import Folder, Layout, Parts, find_layout, grow, split_of

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


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


def is_archive(name: str) -> bool:
    """By its extension."""
    return name.lower().endswith(ARCHIVES)


def label_lists(files: Iterable[str]) -> list[str]:
    """The lists that may say labels in the place of folders: train.csv, labels.csv, ..."""
    return sorted(
        name
        for name in files
        if (path := PurePosixPath(name)).suffix.lower() == ".csv"
        and not _hidden(path.parts)
        and (split_of(path.stem) or path.stem.lower() == "labels")
    )


def list_tree(files: Iterable[str], folders: Iterable[str], where: str) -> Listing:
    """Labels the pictures of a tree by their class folder.

    files, folders: names relative to the tree's root; where: the source, for messages.
    Raises DataError for an empty class folder and for split folders without train/.
    """
    pictures = [PurePosixPath(name).parts for name in files if is_picture(name)]
    directories = {PurePosixPath(name).parts for name in folders}
    root = grow(pictures, (parts for parts in directories if not _hidden(parts)))
    layout = find_layout(root, where)
    entries = [entry for parts in pictures if (entry := _entry(parts, layout)) is not None]
    _check_classes(_class_folders(root, layout), entries, where)
    outside = len(pictures) - len(entries) - sum(left.pictures for left in layout.left_out)
    notes = [str(left) for left in layout.left_out]
    if outside:
        notes.append(f"{outside} pictures lie outside of any class folder and are not used")
    return Listing(tuple(sorted(entries, key=lambda entry: entry.name)), tuple(notes))


def _entry(parts: Parts, layout: Layout) -> Entry | None:
    for root, split in layout.roots.items():
        level = len(root)
        if parts[:level] == root and len(parts) > level + 1:
            left_out = any(parts[: len(left.path)] == left.path for left in layout.left_out)
            return None if left_out else Entry("/".join(parts), parts[level], split)
    return None


def _class_folders(root: Folder, layout: Layout) -> set[str]:
    """Also those without pictures."""
    found: set[str] = set()
    for path in layout.roots:
        here = root
        for part in path:
            here = here.below[part]
        found |= here.below.keys()
    return found


def _check_classes(folders: set[str], entries: list[Entry], where: str) -> None:
    empty = sorted(folders - {entry.label for entry in entries})
    if empty:
        raise DataError(
            f"{where}: every class folder must hold pictures, {', '.join(empty)} "
            f"{'has' if len(empty) == 1 else 'have'} none: add some or remove the folder"
        )


def _hidden(parts: Parts) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
