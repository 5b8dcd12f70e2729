"""A trial's checkpoints: written after every epoch and on a stop, found again by whoever adopts it.

Knows nothing of when to write one. Names carry the fencing token of the lease and a file that was
neither found at the start nor written since is never deleted: a process that has lost the trial and
does not know yet cannot touch what its adopter writes.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from study.errors import CheckpointCorrupt
from worker.models.sealed import seal, unseal
from worker.models.weights import load_weights, save_weights
from worker.training.progress import Best, Progress

KEPT = 2  # a damaged checkpoint costs one epoch, not the trial

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One checkpoint and what it needs beside it."""

    name: str
    weights: tuple[str, ...]
    """The files its progress refers to."""


class Checkpoints:
    """The files `checkpoint-<token>-<epoch>-<step>-<checksum>.pt` and
    `best-<token>-<epoch>-<checksum>.pt` of one directory. A checkpoint's epoch and step are those
    that come next; weights are named by the epoch they are of."""

    def __init__(self, directory: Path, *, fingerprint: str, token: int) -> None:
        """fingerprint: of all that the numbers depend on; files with another one are not used.

        token: the lease's fencing token; each adoption has a higher one.
        """
        self._directory = directory
        self._token = f"{token:04d}"
        self._fingerprint = fingerprint
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._known: set[str] = set()
        self._position: tuple[int, int] | None = None
        self._metas: dict[str, dict[str, Any]] = {}

    @property
    def latest(self) -> str | None:
        """File name of the last one written or read."""
        return self._entries[-1].name if self._entries else None

    def covers(self, progress: Progress) -> bool:
        """Whether there is nothing in `progress` that the last one does not have."""
        return progress.position == (self._position or (0, 0))

    def save(
        self, progress: Progress, learner: dict[str, Any], best: dict[str, Any] | None = None
    ) -> str:
        """Writes one and returns its file name; those no longer needed are there until `collect`.

        learner: its state, with `model`. best: what is kept with the weights of a best epoch, where
        these are one's; they are written before, and `progress` is told their file name.

        Durable when this returns. Raises OSError (for example ENOSPC); the previous ones are then
        untouched.
        """
        if best is not None:
            self._save_best(progress, learner["model"], best)
        epoch, step = progress.position
        content = {
            "fingerprint": self._fingerprint,
            "progress": progress.to_plain(),
            "learner": learner,
        }
        name = seal(self._directory, f"checkpoint-{self._token}-{epoch:05d}-{step:07d}", content)
        self._remember(name, progress)
        return name

    def _save_best(
        self, progress: Progress, state: dict[str, Tensor], meta: dict[str, Any]
    ) -> None:
        stem = f"best-{self._token}-{meta['epoch']:05d}"
        name = save_weights(self._directory, stem, state, meta)
        self._known.add(name)
        self._metas[name] = meta
        progress.name_best(name)

    def meta(self, best: Best) -> dict[str, Any]:
        """What was written with the weights of a best epoch. Raises CheckpointCorrupt."""
        if best.weights not in self._metas:  # of another process
            self._metas[best.weights] = load_weights(self._directory / best.weights).meta
        return self._metas[best.weights]

    def weights(self, best: Best) -> dict[str, Tensor]:
        """The state_dict of a best epoch, on the CPU. Raises CheckpointCorrupt."""
        return load_weights(self._directory / best.weights).state

    def restore(self) -> tuple[Progress, dict[str, Any]] | None:
        """The newest one that can be read, None where there is none: the trial begins anew."""
        self._known = {path.name for path in self._directory.glob("*.pt")}
        for path in sorted(self._directory.glob("checkpoint-*.pt"), key=_age, reverse=True):
            try:
                progress, learner = self._read(path)
            except CheckpointCorrupt as error:
                log.warning("%s; falling back to the one before", error)
                continue
            self._remember(path.name, progress)
            return progress, learner
        return None

    def _read(self, path: Path) -> tuple[Progress, dict[str, Any]]:
        content = unseal(path)
        if content["fingerprint"] != self._fingerprint:
            raise CheckpointCorrupt(f"{path}: is of another configuration or data set")
        progress = Progress.from_plain(content["progress"])
        for best in progress.bests:
            unseal(self._directory / best.weights)  # of no use without them
        return progress, content["learner"]

    def _remember(self, name: str, progress: Progress) -> None:
        if self.latest == name:  # the same bytes once more
            return
        self._entries.append(Entry(name, tuple(best.weights for best in progress.bests)))
        self._known.add(name)
        self._position = progress.position

    def collect(self) -> None:
        """Deletes what no checkpoint worth keeping needs: 8 ms for each file of a megabyte."""
        needed = {name for entry in self._entries for name in (entry.name, *entry.weights)}
        for name in self._known - needed:
            (self._directory / name).unlink(missing_ok=True)
            self._metas.pop(name, None)
        self._known &= needed


def _age(path: Path) -> tuple[str, int]:
    """Sorts by token, epoch and step, then by the time of writing."""
    return path.stem.rpartition("-")[0], path.stat().st_mtime_ns
