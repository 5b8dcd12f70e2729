"""Waits for a packed data set: a shared file system shows a new file late on other nodes.

Knows nothing of who packs it, nor of what is in it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from study import paths
from study.errors import UsageError

LOOK_SECONDS = 1.0  # between two looks

log = logging.getLogger(__name__)


def await_store(store: Path, seconds: float, turned: Callable[[], None]) -> None:
    """Returns once the manifest of `store`, which is written last, can be seen; calls `turned`
    after every look. Raises UsageError when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    waiting = False
    while not _there(store):
        turned()
        left = deadline - time.monotonic()
        if left <= 0:
            raise UsageError(
                f"{store}: there is no packed data set after {seconds:.0f} s: make it with "
                "`hpo-worker prepare CONFIG`, with the same HPO_DATA"
            )
        if not waiting:
            log.warning("waiting up to %.0f s for the packed data set %s", seconds, store)
            waiting = True
        time.sleep(min(LOOK_SECONDS, left))


def _there(store: Path) -> bool:
    """Opening the folders makes NFS ask its server about names that it remembers as missing."""
    for folder in (store.parent, store):
        with suppress(OSError):
            os.scandir(folder).close()
    return (store / paths.MANIFEST).exists()
