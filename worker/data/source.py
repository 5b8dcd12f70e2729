"""Where pictures come from: one small interface over folders, archives and lists.

Knows nothing of decoding. Sources are cheap to open again, so every process opens its own.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Protocol

from study.errors import DataError
from study.hub import is_hub
from study.listing import ARCHIVES, Listing, is_archive

FILE_LIMIT = 256 * 2**20  # bytes of one picture file; an archive can promise more than memory holds


class Source(Protocol):
    """Reading is safe from several threads at once; errors of one file are OSError or ValueError,
    errors of the source as a whole are DataError."""

    place: str
    """What opens it again: an absolute path, or what data.source names."""

    def fingerprint(self) -> str:
        """Changes when a picture, a name or a label does."""
        ...

    def listing(self) -> Listing:
        """All pictures with their labels."""
        ...

    def read(self, name: str) -> bytes:
        """One file's bytes."""
        ...

    def close(self) -> None:
        """Gives back open files."""
        ...


def open_source(place: str | Path, sha256: str | None = None) -> Source:
    """Opens a folder, an archive, a .csv or a data set of Hugging Face.

    sha256: checksum an archive must have; checked by its fingerprint(). Raises DataError.
    """
    from worker.data.archive import Archive
    from worker.data.folder import Folder
    from worker.data.hub import HubSource, is_saved
    from worker.data.table import Table

    path = Path(place).expanduser()
    if not is_hub(str(place)):
        _check_there(path)
    if sha256 is not None and (path.is_dir() or not is_archive(path.name)):
        raise DataError(f"{place}: data.sha256 is for archives: remove it")
    if is_hub(str(place)):
        return HubSource(str(place))
    path = path.absolute()
    if path.is_dir():
        return HubSource(str(path)) if is_saved(path) else Folder(path)
    if is_archive(path.name):
        return Archive(path, sha256)
    if path.suffix.lower() == ".csv":
        return Table(path)
    raise DataError(
        f"{path}: unknown kind of source {path.suffix or path.name!r}: give a folder, an archive "
        f"({', '.join(ARCHIVES)}) or a .csv list"
    )


def _check_there(path: Path) -> None:
    try:
        path.stat()
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: no such folder or file: say where the pictures are with DATA=path (--data "
            "path), or with data.source in the study's file"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def file_state(path: Path) -> str:
    """Changes when the file does, as far as can be told without reading it; the same for all files
    that cannot be read, which are quarantined by name."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return "None"
    return f"{status.st_size}\0{status.st_mtime_ns}"


def read_file(path: Path) -> bytes:
    """Reads one file. Raises OSError, and ValueError where it is larger than FILE_LIMIT or no
    file: a pipe would be waited for, a device never ends."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise ValueError(f"larger than {FILE_LIMIT} bytes")
    return content
