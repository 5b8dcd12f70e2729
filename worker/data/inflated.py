"""A file compressed by gzip that is read anywhere, as if it were not compressed.

The first reading goes through it once and keeps copies of the decompressor on the way; a later one
goes on from the nearest copy before its place. Nothing is unpacked onto a disk: that would need
room, and something to remove it again when a process is killed. A copy holds 40 KB, and reading at
random inflates half a gap between two of them. Knows nothing of what is in the file.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlib import _Decompress

GAP = 2 * 2**20  # bytes of content between two copies, at first
MOST_COPIES = 512  # 20 MB
CHUNK = 64 * 2**10  # compressed bytes read at once
PIECE = 2**20  # bytes inflated at once
GZIP = 31  # zlib's name for gzip's header and a window of 32 KiB
EXPANSION = 200  # of the compressed size; pictures are compressed already
ALLOWANCE = 2**30  # bytes that a small file may expand to


@dataclass
class _Run:
    """A decompression on its way."""

    inflate: _Decompress
    position: int = 0
    """Of the next compressed byte, in the file."""
    at: int = 0
    """Of the next byte it gives, in the content."""

    def copy(self) -> _Run:
        return replace(self, inflate=self.inflate.copy())


class InflatedFile:
    """Threads take turns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._limit = EXPANSION * path.stat().st_size + ALLOWANCE
        self._gap = GAP
        self._run = _Run(zlib.decompressobj(GZIP))
        self._copies = [self._run.copy()]
        self._lock = Lock()

    def read_at(self, start: int, size: int) -> bytes:
        """`size` bytes of the content from `start`; fewer where it ends. Raises zlib.error,
        EOFError and ValueError for a file that is broken or expands without end."""
        with self._lock:
            self._go_to(start)
            parts: list[bytes] = []
            left = size
            while left and (piece := self._inflate(left)):
                parts.append(piece)
                left -= len(piece)
            return b"".join(parts)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _go_to(self, start: int) -> None:
        nearest = bisect_right(self._copies, start, key=lambda run: run.at) - 1
        if not self._copies[nearest].at <= self._run.at <= start:
            self._run = self._copies[nearest].copy()
        while self._run.at < start and self._inflate(start - self._run.at):
            pass

    def _inflate(self, most: int) -> bytes:
        """The next piece of the content, nothing at its end."""
        run = self._run
        while compressed := self._compressed(run):
            piece = run.inflate.decompress(compressed, min(most, PIECE))
            run.at += len(piece)
            if run.at > self._limit:
                raise ValueError(f"expands to more than {EXPANSION} times its size")
            if run.at >= self._copies[-1].at + self._gap and not run.inflate.eof:
                self._keep(run)
            if piece:
                return piece
        return b""

    def _compressed(self, run: _Run) -> bytes:
        """What to inflate next; nothing at the end of the file."""
        if not run.inflate.eof:
            found = run.inflate.unconsumed_tail or self._next_chunk(run)
            if not found:
                raise EOFError("the compressed file ends too early")
            return found
        # gzip files may stand one behind the other, and zeros behind the last.
        found = run.inflate.unused_data.lstrip(b"\0")
        while not found:
            chunk = self._next_chunk(run)
            if not chunk:
                return b""
            found = chunk.lstrip(b"\0")
        run.inflate = zlib.decompressobj(GZIP)
        return found

    def _next_chunk(self, run: _Run) -> bytes:
        self._file.seek(run.position)
        chunk = self._file.read(CHUNK)
        run.position += len(chunk)
        return chunk

    def _keep(self, run: _Run) -> None:
        self._copies.append(run.copy())
        if len(self._copies) > MOST_COPIES:
            del self._copies[1::2]
            self._gap *= 2
