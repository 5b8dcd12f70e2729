"""The members of a .tar archive, compressed by gzip or not.

tarfile reads the directory; contents are read at their places, by several threads at once. Knows
nothing of which members are allowed (archive.py).
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from worker.data.inflated import InflatedFile
from worker.data.members import Member

HEADER_LIMIT = 16 * 2**20  # bytes of one header; a hostile one can promise more than memory holds

FORBIDDEN = {
    tarfile.SYMTYPE: "is a symbolic link",
    tarfile.LNKTYPE: "is a hard link",
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a pipe",
}


class Bytes(Protocol):
    """A file that can be read anywhere, by several threads at once."""

    def read_at(self, start: int, size: int) -> bytes:
        """`size` bytes from `start`; fewer where it ends."""
        ...

    def close(self) -> None:
        """Gives back the open file."""
        ...


class TarMembers:
    """See worker.data.members.Members."""

    def __init__(self, path: Path, *, compressed: bool) -> None:
        self._bytes: Bytes = InflatedFile(path) if compressed else _PlainFile(path)
        try:
            with tarfile.open(fileobj=_Cursor(self._bytes), mode="r:") as tar:  # type: ignore[call-overload]
                self._entries: list[tarfile.TarInfo] = tar.getmembers()
            if any(entry.size < 0 for entry in self._entries):
                raise tarfile.ReadError("a member of negative size")
            if self._bytes.read_at(tar.offset, tarfile.BLOCKSIZE).strip(b"\0"):
                # which tarfile takes for the end
                raise tarfile.ReadError(f"a broken header at byte {tar.offset}")
        except BaseException:
            self._bytes.close()
            raise

    def __iter__(self) -> Iterator[Member]:
        for entry in self._entries:
            forbidden = FORBIDDEN.get(entry.type)
            if entry.issparse():
                forbidden = "is a sparse file"
            yield Member(entry.name, entry.size, entry.isdir(), forbidden)

    def read(self, index: int) -> bytes:
        """See Members."""
        entry = self._entries[index]
        content = self._bytes.read_at(entry.offset_data, entry.size)
        if len(content) < entry.size:
            raise EOFError(f"{len(content)} of {entry.size} bytes")
        return content

    def close(self) -> None:
        """See Members."""
        self._bytes.close()


class _PlainFile:
    """See Bytes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def read_at(self, start: int, size: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    def close(self) -> None:
        self._file.close()


class _Cursor:
    """What tarfile wants of a file."""

    def __init__(self, content: Bytes) -> None:
        self._content = content
        self._position = 0

    def read(self, size: int) -> bytes:
        if size > HEADER_LIMIT:
            raise tarfile.ReadError(f"a header of {size} bytes")
        content = self._content.read_at(self._position, size)
        self._position += len(content)
        return content

    def seek(self, position: int) -> int:
        if position < self._position - 1:  # a negative size: it would never end
            raise tarfile.ReadError("its members overlap")
        self._position = position
        return position

    def tell(self) -> int:
        return self._position
