"""A .zip archive of class folders as a source of pictures; members are read where they lie.

Never extracts, so that no member can be written anywhere. Knows nothing of what a tree means
(study/listing.py).
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from study.errors import DataError
from study.listing import Listing, list_tree
from worker.data.source import FILE_LIMIT


class Archive:
    """Refused as a whole where one member's name leaves it: such an archive was made to do harm."""

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self._sha256 = sha256
        try:
            self._zip = zipfile.ZipFile(path)
        except Exception as error:  # over a hostile directory zipfile raises anything
            raise DataError(f"{path}: not a readable .zip archive: {error}") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            _check(member, path)
            name = PurePosixPath(member.filename).as_posix()  # without ./ and //
            if name in self._members and not member.is_dir():
                raise DataError(
                    f"{path}: refused, two members are named {name!r}: pack it again without one"
                )
            self._members[name] = member

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
        """By class folders, see study/listing.py."""
        files = [name for name, member in self._members.items() if not member.is_dir()]
        folders = [name for name, member in self._members.items() if member.is_dir()]
        return list_tree(files, folders, where=str(self.path))

    def read(self, name: str) -> bytes:
        """One member's bytes. Raises ValueError or OSError where the archive is broken there."""
        member = self._members.get(name)
        if member is None:
            raise ValueError("not in the archive")
        if member.file_size > FILE_LIMIT:
            raise ValueError(f"larger than {FILE_LIMIT} bytes")
        try:
            return self._zip.read(member)
        except OSError:
            raise
        except Exception as error:  # each compression has errors of its own, LZMAError, EOFError
            raise ValueError(f"broken in the archive: {error or type(error).__name__}") from error

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
