"""A lock between processes: held by one of them, the others wait.

The kernel takes it from a process that dies, so waiting needs no time limit. Knows nothing of what
it protects.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the lock on `file`, which is made where it is missing and stays. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
