"""What is in an archive, whatever its format.

Knows nothing of which members are allowed (archive.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Member:
    """One entry of an archive's directory."""

    name: str
    """As it is written there."""
    size: int
    """Bytes, as promised."""
    is_folder: bool
    forbidden: str | None
    """What it is instead of a file or folder: `is a symbolic link`."""


class Members(Protocol):
    """The entries of one archive. Reading is safe from several threads at once."""

    def __iter__(self) -> Iterator[Member]:
        """All of them, in order."""
        ...

    def read(self, index: int) -> bytes:
        """The bytes of the entry with that place in the order. Raises any error for a broken one,
        OSError for a broken disk."""
        ...

    def close(self) -> None:
        """Gives back the open file."""
        ...
