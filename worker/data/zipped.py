"""The members of a .zip archive. Knows nothing of which are allowed (archive.py)."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

from worker.data.members import Member


class ZipMembers:
    """See worker.data.members.Members."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)
        self._entries = self._zip.infolist()

    def __iter__(self) -> Iterator[Member]:
        for entry in self._entries:
            is_link = stat.S_ISLNK(entry.external_attr >> 16)
            yield Member(
                name=entry.orig_filename,
                size=entry.file_size,
                is_folder=entry.is_dir(),
                forbidden="is a symbolic link" if is_link else None,
            )

    def read(self, index: int) -> bytes:
        """See Members."""
        return self._zip.read(self._entries[index])

    def close(self) -> None:
        """See Members."""
        self._zip.close()
