"""Pictures of this machine as one archive that can be sent: its checksum, its size, its bytes.

A folder becomes a .zip that is the same to the byte whenever its files are: it is written twice,
once to know its checksum and once to be sent, and never needs room on this machine's disk. Knows
nothing of where it is sent (upload.py).
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from study.errors import DataError
from study.listing import ARCHIVES, is_archive

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: the checksum is of names and contents alone
CHUNK = 2**20  # bytes

Sink = Callable[[bytes], object]
"""Takes the bytes in order."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """An archive, or a folder that is sent as one."""

    path: Path
    sha256: str
    size: int
    """Bytes of the archive."""

    def write(self, sink: Sink) -> None:
        """Sends the whole archive. Raises DataError for files that cannot be read."""
        _write(self.path, sink)


def local_pictures(path: Path, sha256: str | None) -> Pictures:
    """Reads them once, whole.

    sha256: the checksum an archive must have. Raises DataError where it has another, and for what
    cannot be sent.
    """
    if path.suffix.lower() == ".csv":
        raise DataError(
            f"{path}: a .csv names files of this machine, which the cluster does not see: "
            "give a folder or an archive, or a path on the cluster's data volume"
        )
    if path.is_dir() and sha256 is not None:
        raise DataError(f"{path}: data.sha256 is for archives: remove it")
    if not path.is_dir() and not is_archive(path.name):
        kinds = ", ".join(ARCHIVES)
        raise DataError(f"{path}: unknown kind of source: give a folder or an archive ({kinds})")
    meter = _Meter()
    _write(path, meter)
    found = meter.digest.hexdigest()
    if sha256 not in (None, found):
        raise DataError(
            f"{path}: the checksum must be data.sha256={sha256}, got {found}: "
            "fetch the archive again or correct the checksum"
        )
    return Pictures(path=path, sha256=found, size=meter.size)


class _Meter:
    """Measures what it is given."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0

    def __call__(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size += len(chunk)


class _Stream:
    """A file that can only be written on, as zipfile wants it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, chunk: bytes) -> int:
        self._sink(bytes(chunk))
        return len(chunk)

    def flush(self) -> None:
        """Nothing is held back."""


def _write(path: Path, sink: Sink) -> None:
    try:
        if path.is_dir():
            _write_folder(path, sink)
        else:
            with path.open("rb") as archive:
                while chunk := archive.read(CHUNK):
                    sink(chunk)
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise DataError(f"{path}: cannot be read: {error}") from error


def _write_folder(folder: Path, sink: Sink) -> None:
    stream = _Stream(sink)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name, file in _members(folder):
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system = 3  # Unix, whatever this machine is
            if file is None:
                member.external_attr = 0o40755 << 16
                archive.writestr(member, b"")
                continue
            member.external_attr = 0o100644 << 16
            member.file_size = file.stat().st_size  # more than 2 GiB need another header
            with file.open("rb") as content, archive.open(member, "w") as target:
                while chunk := content.read(CHUNK):
                    target.write(chunk)


def _members(folder: Path) -> Iterator[tuple[str, Path | None]]:
    """Names and files in order, None for a folder; links are followed, as prepare does."""
    seen: set[str] = set()
    found: list[tuple[str, Path | None]] = []
    for directory, below, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        real = os.path.realpath(directory)
        if real in seen:  # a link to a folder above would never end
            below.clear()
            continue
        seen.add(real)
        here = Path(directory)
        prefix = here.relative_to(folder)
        found += [((prefix / name).as_posix() + "/", None) for name in below]
        found += [
            ((prefix / name).as_posix(), here / name) for name in names if (here / name).is_file()
        ]
    yield from sorted(found, key=lambda member: member[0])


def _unreadable(error: OSError) -> None:
    raise error
