"""An archive of class folders as a source of pictures: .zip, .tar, .tar.gz or .tgz, read where they
lie.

Never extracts, so that no member can be written anywhere. Knows nothing of what a tree means
(study/listing.py) nor of how each format is read (zipped.py, tarred.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from study.errors import DataError
from study.listing import Listing
from worker.data.labels import list_pictures
from worker.data.members import Member, Members
from worker.data.source import FILE_LIMIT
from worker.data.tarred import TarMembers
from worker.data.zipped import ZipMembers

GZIP = b"\x1f\x8b"
ZIP = b"PK"


class Archive:
    """Refused as a whole where one member's name leaves it: such an archive was made to do harm."""

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self.place = str(path)
        self._sha256 = sha256
        try:
            self._members = _open(path)
        except Exception as error:  # over a hostile directory the readers raise anything
            raise DataError(f"{path}: not a readable {_kind(path)} archive: {error}") from error
        self._directory = list(self._members)
        try:
            self._places = _places(self._directory, path)
        except DataError:
            self.close()
            raise

    def fingerprint(self) -> str:
        """The archive's sha256. Raises DataError where it is not the one asked for."""
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if self._sha256 not in (None, found):
            raise DataError(
                f"{self.path}: the checksum must be data.sha256={self._sha256}, got {found}: "
                "fetch the archive again or correct the checksum"
            )
        return found

    def listing(self) -> Listing:
        """By class folders, see study/listing.py, or by a list among them (labels.py)."""
        folder = {name: self._directory[index].is_folder for name, index in self._places.items()}
        files = [name for name in folder if not folder[name]]
        folders = [name for name in folder if folder[name]]
        return list_pictures(files, folders, self.read, where=self.place)

    def read(self, name: str) -> bytes:
        """One member's bytes. Raises ValueError or OSError where the archive is broken there."""
        index = self._places.get(name)
        if index is None:
            raise ValueError("not in the archive")
        if self._directory[index].size > FILE_LIMIT:
            raise ValueError(f"larger than {FILE_LIMIT} bytes")
        try:
            return self._members.read(index)
        except OSError:
            raise
        except Exception as error:  # each compression has errors of its own, LZMAError, EOFError
            raise ValueError(f"broken in the archive: {error or type(error).__name__}") from error

    def close(self) -> None:
        """Closes the archive."""
        self._members.close()


def _open(path: Path) -> Members:
    """By its first bytes: an archive that was sent to a cluster is named by its checksum."""
    with path.open("rb") as file:
        start = file.read(2)
    if start == ZIP or (start != GZIP and path.suffix.lower() == ".zip"):
        return ZipMembers(path)
    return TarMembers(path, compressed=start == GZIP)


def _kind(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(suffixes if suffixes == [".tar", ".gz"] else suffixes[-1:])


def _places(directory: Sequence[Member], archive: Path) -> dict[str, int]:
    """Each member's place by its name."""
    places: dict[str, int] = {}
    for index, member in enumerate(directory):
        _check(member, archive)
        name = PurePosixPath(member.name).as_posix()  # without ./ and //
        if name in places and not member.is_folder:
            raise DataError(
                f"{archive}: refused, two members are named {name!r}: pack it again without one"
            )
        places[name] = index
    return places


def _check(member: Member, archive: Path) -> None:
    """A member must be a plain file or folder below the archive's root."""
    name = member.name
    broken = member.forbidden
    if name.startswith("/"):
        broken = "is an absolute path"
    elif PureWindowsPath(name).drive or "\\" in name:
        broken = "has a drive letter or a backslash"
    elif ".." in PurePosixPath(name).parts:
        broken = "leaves the archive"
    if broken:
        raise DataError(f"{archive}: refused, member {name!r} {broken}: pack it again without")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{archive}: names must be UTF-8, got {name!r}: pack it again") from error
