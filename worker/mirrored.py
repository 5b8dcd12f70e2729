"""A trial's directory and its copy in the object store, where there is one.

What a checkpoint needs is copied before the checkpoint, and both before anybody is told of them, so
that the ledger never knows of an epoch that another node cannot go on from. Names carry fencing
token and checksum (see training/checkpoint.py): a copy never changes, and one is removed only by a
holder that has seen it. Knows nothing of what is in a checkpoint.
"""

from __future__ import annotations

import logging
from pathlib import Path

from study.mirror import Mirror

CHECKPOINTS = (
    "*.pt"  # TensorBoard's events are not copied: they grow, and results are in the ledger
)

log = logging.getLogger(__name__)


class MirroredDirectory:
    """Used by the process that trains the trial. All methods raise ObjectStoreAway, OSError."""

    def __init__(self, mirror: Mirror | None, directory: Path) -> None:
        self._mirror = mirror
        self._directory = directory
        self._there: set[str] = set()

    def fetch(self) -> None:
        """Fetches what other holders left. A file that its late holder removes meanwhile is not
        missed: that one wrote a newer one."""
        if self._mirror is None:
            return
        for file in self._mirror.files(self._directory):
            if file.match(CHECKPOINTS) and (file.exists() or self._mirror.fetch(file)):
                self._there.add(file.name)

    def add(self, name: str) -> None:
        """Copies a file of another kind than those that are kept by themselves."""
        if self._mirror is not None:
            self._mirror.upload(self._directory / name)

    def keep(self) -> None:
        """Makes the copy what the directory is."""
        if self._mirror is None:
            return
        here = {file.name for file in self._directory.glob(CHECKPOINTS)}
        for name in sorted(here - self._there):  # weights, `best-...`, before `checkpoint-...`
            self._mirror.upload(self._directory / name)
            self._there.add(name)
        self._mirror.remove(self._directory / name for name in self._there - here)
        self._there &= here


def tidy_copy(mirror: Mirror | None, directory: Path, weights: str | None) -> None:
    """As tidy() does, in the copy. Raises ObjectStoreAway."""
    if mirror is not None:
        copies = mirror.files(directory)
        mirror.remove(file for file in copies if file.match(CHECKPOINTS) and file.name != weights)
