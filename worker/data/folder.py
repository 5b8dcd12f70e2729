"""A folder of class folders as a source of pictures.

Knows nothing of what a tree means (study/listing.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from study.errors import DataError
from study.listing import Listing, is_picture, label_lists
from worker.data.labels import list_pictures
from worker.data.source import file_state, read_file


class Folder:
    """Symbolic links are followed: pictures are often linked in from another disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)

    @cached_property
    def _tree(self) -> tuple[list[str], list[str]]:
        """Names of all files and folders below, sorted."""
        files: list[str] = []
        folders: list[str] = []
        for directory, below, names in self._walk():
            prefix = directory.relative_to(self.path)
            folders += [(prefix / name).as_posix() for name in below]
            files += [(prefix / name).as_posix() for name in names]
        _check_text([*filter(is_picture, files), *folders], self.path)
        return sorted(files), sorted(folders)

    def fingerprint(self) -> str:
        """Over names, sizes and modification times; reading every byte would cost as much as
        packing them."""
        digest = hashlib.sha256(b"folder\0")
        files, folders = self._tree
        for name in [*filter(is_picture, files), *label_lists(files)]:
            digest.update(f"{name}\0{file_state(self.path / name)}\0".encode())
        for name in folders:  # a new empty class is a mistake that must be noticed
            digest.update(f"{name}/\0".encode())
        return digest.hexdigest()

    def listing(self) -> Listing:
        """By class folders, see study/listing.py, or by a list among them (labels.py)."""
        return list_pictures(*self._tree, self.read, where=self.place)

    def read(self, name: str) -> bytes:
        """One file's bytes."""
        return read_file(self.path / name)

    def close(self) -> None:
        """Nothing is kept open."""

    def _walk(self) -> Iterator[tuple[Path, list[str], list[str]]]:
        seen: set[str] = set()
        for directory, below, names in os.walk(self.path, followlinks=True, onerror=_unreadable):
            real = os.path.realpath(directory)
            if real in seen:  # a link to a folder above would never end
                below.clear()
                continue
            seen.add(real)
            yield Path(directory), below, names


def _check_text(names: list[str], where: Path) -> None:
    """Names are written into records and manifests, which are UTF-8."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{where / name}: names must be UTF-8: rename it") from error


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error
