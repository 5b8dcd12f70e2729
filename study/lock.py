"""A lock between processes: held by one of them, the others wait.

The kernel takes it from a process that dies, so waiting needs no time limit. Knows nothing of what
it protects.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOOK_SECONDS = 0.5  # between two tries of a process that has to say that it waits


@contextmanager
def locked(file: Path, turned: Callable[[], None] | None = None) -> Iterator[None]:
    """Holds the lock on `file`, which is made where it is missing and stays. `turned` is called
    again and again while another process holds it. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as held:
        while turned is not None and not _free(held):
            turned()
            time.sleep(LOOK_SECONDS)
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _free(held: IO[bytes]) -> bool:
    """Whether the lock could be had; it is then held."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
