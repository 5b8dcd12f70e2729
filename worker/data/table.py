"""A .csv list as a source of pictures: path, label and optionally split and group.

Paths are relative to the list. Knows nothing of decoding.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from study.dataset import Split
from study.errors import DataError
from study.layout import split_of
from study.listing import Entry, Listing
from worker.data.source import file_state, read_file

COLUMNS = ("path", "label", "split", "group")


class Table:
    """A listed file that is not there is not an error of the list: it is quarantined by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)

    @cached_property
    def _entries(self) -> tuple[Entry, ...]:
        lines: dict[str, int] = {}
        entries = []
        for line, row in self._rows():
            entry = self._entry(line, row)
            if entry.name in lines:
                raise DataError(
                    f"{self.path}:{line}: a picture may be listed once, {entry.name} is also in "
                    f"line {lines[entry.name]}: remove one of them"
                )
            lines[entry.name] = line
            entries.append(entry)
        return tuple(sorted(entries, key=lambda entry: entry.name))

    def fingerprint(self) -> str:
        """Over the list's bytes and the sizes and modification times of its files."""
        digest = hashlib.sha256(b"table\0" + self.path.read_bytes())
        for entry in self._entries:
            state = file_state(self.path.parent / entry.name)
            digest.update(f"{entry.name}\0{state}\0".encode())
        return digest.hexdigest()

    def listing(self) -> Listing:
        """The rows, sorted by path."""
        return Listing(self._entries)

    def read(self, name: str) -> bytes:
        """One file's bytes."""
        return read_file(self.path.parent / name)

    def close(self) -> None:
        """Nothing is kept open."""

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            with self.path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file, strict=True)
                self._check_columns(reader.fieldnames or ())
                for row in reader:
                    if None in row:
                        raise DataError(f"{self.path}:{reader.line_num}: more values than columns")
                    yield reader.line_num, {key: (row[key] or "").strip() for key in row}
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{self.path}: not a readable .csv list: {error}") from error

    def _check_columns(self, found: object) -> None:
        columns = list(found) if isinstance(found, (list, tuple)) else []
        missing = [column for column in COLUMNS[:2] if column not in columns]
        unknown = [column for column in columns if column not in COLUMNS]
        if missing or unknown or len(columns) > len(set(columns)):
            raise DataError(
                f"{self.path}:1: the columns must be path, label and optionally split and group, "
                f"got {', '.join(columns) or 'none'}"
            )

    def _entry(self, line: int, row: dict[str, str]) -> Entry:
        for column in COLUMNS[:2]:
            if not row[column]:
                raise DataError(f"{self.path}:{line}: {column} is empty: fill it in")
        given = row.get("split", "")
        split: Split | None = split_of(given)
        if given and split is None:
            raise DataError(
                f"{self.path}:{line}: split must be train, val or test, or empty, got {given!r}"
            )
        return Entry(row["path"], row["label"], split, row.get("group") or None)
