"""A .zip archive of class folders as a source of pictures; members are read where they lie.

Never extracts, so that no member can be written anywhere. Knows nothing of what a tree means
(listing.py).
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from study.errors import DataError
from worker.data.listing import Listing, list_tree
from worker.data.source import FILE_LIMIT


class Archive:
    """Refused as a whole where one member's name leaves it: such an archive was made to do harm."""

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self._sha256 = sha256
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: not a readable .zip archive: {error}") from error
        for member in self._zip.infolist():
            _check(member, path)

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
        """By class folders, see listing.py."""
        names = self._zip.namelist()
        files = [name for name in names if not name.endswith("/")]
        folders = [name for name in names if name.endswith("/")]
        return list_tree(files, folders, where=str(self.path))

    def read(self, name: str) -> bytes:
        """One member's bytes. Raises ValueError or OSError where the archive is broken there."""
        try:
            if self._zip.getinfo(name).file_size > FILE_LIMIT:
                raise ValueError(f"larger than {FILE_LIMIT} bytes")
            return self._zip.read(name)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"broken in the archive: {error}") from error
        except KeyError as error:
            raise ValueError("not in the archive") from error

    def close(self) -> None:
        """Closes the archive."""
        self._zip.close()


def _check(member: zipfile.ZipInfo, archive: Path) -> None:
    """A member must be a plain file or folder below the archive's root."""
    name = member.orig_filename
    broken = None
    if name.startswith("/"):
        broken = "is an absolute path"
    elif PureWindowsPath(name).drive or "\\" in name:
        broken = "has a drive letter or a backslash"
    elif ".." in PurePosixPath(name).parts:
        broken = "leaves the archive"
    elif stat.S_ISLNK(member.external_attr >> 16):
        broken = "is a symbolic link"
    if broken:
        raise DataError(f"{archive}: refused, member {name!r} {broken}: pack it again without")
