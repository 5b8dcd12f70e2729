"""Labels from lists that lie among the pictures: train.csv or labels.csv beside a folder of images.

As competitions unpack: one column names the picture, often without its extension, another the
class. Class folders come first; a list counts only where there are none. Knows nothing of decoding.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from study.dataset import Split
from study.errors import DataError
from study.layout import split_of
from study.listing import Entry, Listing, is_picture, label_lists, list_tree

NAMES = ("path", "filename", "file_name", "file", "image", "image_id", "image_path", "img", "id")
LABELS = ("label", "labels", "class", "class_name", "category", "target", "breed", "species")

Read = Callable[[str], bytes]


def list_pictures(files: Sequence[str], folders: Iterable[str], read: Read, where: str) -> Listing:
    """The pictures of a tree, labelled by class folders, else by the lists among them.

    files, folders: names relative to the tree's root; read: gives one file's bytes; where: the
    source, for messages. Raises DataError.
    """
    lists = label_lists(files)
    if not lists:
        return list_tree(files, folders, where)
    try:
        listing = list_tree(files, folders, where)
    except DataError:
        listing = Listing(())
    return listing if len(listing.classes) > 1 else _listed(files, lists, read, where)


def _listed(files: Sequence[str], lists: Sequence[str], read: Read, where: str) -> Listing:
    pictures = _Pictures([name for name in files if is_picture(name)])
    entries: dict[str, Entry] = {}
    for name in lists:
        split = split_of(PurePosixPath(name).stem) if len(lists) > 1 else None
        for given, label in _rows(name, read, where):
            found = pictures.find(given, split, f"{where}/{name}")
            if found in entries and entries[found].label != label:
                raise DataError(
                    f"{where}/{name}: a picture has one label, {given!r} has "
                    f"{entries[found].label!r} and {label!r}: remove one of them"
                )
            entries.setdefault(found, Entry(found, label, split))
    unlisted = len(set(pictures.names) - entries.keys())
    notes = [f"labels are those of {', '.join(lists)}"]
    if unlisted:
        notes.append(f"{unlisted} pictures are in no list and are not used")
    return Listing(tuple(sorted(entries.values(), key=lambda entry: entry.name)), tuple(notes))


@dataclass
class _Pictures:
    """Pictures by what a list may call them."""

    names: list[str]

    def __post_init__(self) -> None:
        self._called: dict[str, list[str]] = defaultdict(list)
        for name in self.names:
            path = PurePosixPath(name)
            for called in {name, path.name, path.stem}:
                self._called[called].append(name)

    def find(self, given: str, split: Split | None, where: str) -> str:
        """The picture's name; `given` itself where there is none, to be quarantined by it.

        Of several the one below a folder of the list's split. Raises DataError for none of these.
        """
        path = PurePosixPath(given)
        found = self._called.get(given) or self._called.get(path.name) or [given]
        if len(found) > 1:
            wanted = split or "train"
            found = [
                name for name in found if wanted in map(split_of, PurePosixPath(name).parts[:-1])
            ] or found
        if len(found) > 1:
            raise DataError(
                f"{where}: {given!r} may be {found[0]} or {found[1]}: give its whole path"
            )
        return found[0]


def _rows(name: str, read: Read, where: str) -> Iterator[tuple[str, str]]:
    """What each line calls its picture, and its label."""
    place = f"{where}/{name}"
    try:
        text = read(name).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = _columns(list(reader.fieldnames or ()), place)
        if columns is None:
            return
        for row in reader:
            given, label = ((row[column] or "").strip() for column in columns)
            if not given or not label:
                raise DataError(f"{place}:{reader.line_num}: {' or '.join(columns)} is empty")
            yield given, label
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{place}: not a readable .csv list: {error}") from error


def _columns(found: list[str], place: str) -> tuple[str, str] | None:
    """The columns of names and of labels; None for a list of pictures to predict."""
    name = _first(found, NAMES)
    label = _first([column for column in found if column != name], LABELS)
    if name and not label and len(found) == 2:
        label = next(column for column in found if column != name)
    if name and label:
        return name, label
    if split_of(PurePosixPath(place).stem) == "test":
        return None
    raise DataError(
        f"{place}: a list needs a column of names ({', '.join(NAMES)}) and one of labels "
        f"({', '.join(LABELS)}), got {', '.join(found) or 'none'}: rename its columns"
    )


def _first(found: list[str], known: tuple[str, ...]) -> str | None:
    lower = {column.strip().lower(): column for column in reversed(found)}
    return next((lower[name] for name in known if name in lower), None)
