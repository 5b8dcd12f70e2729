"""Removes what an ended trial no longer needs: a search would fill any disk with checkpoints.

The rule: an open trial keeps its last two checkpoints and the weights they refer to (see
training/checkpoint.py); an ended one keeps the weights that the ledger names, if any.
"""

from __future__ import annotations

import logging
from pathlib import Path

from study import atomic
from study.errors import ObjectStoreAway
from study.mirror import Mirror
from worker.mirrored import tidy_copy

log = logging.getLogger(__name__)


def tidy(directory: Path, weights: str | None, mirror: Mirror | None = None) -> None:
    """Removes every checkpoint and all weights but `weights` from the directory of an ended trial,
    and from its copy in `mirror`; in the directory also what processes that were killed had begun
    to write. What cannot be removed is logged and left."""
    for file in (*directory.glob("*.pt"), *atomic.unfinished(directory, "*.pt")):
        if file.name != weights:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s: cannot be removed: %s", file, error.strerror)
    try:
        tidy_copy(mirror, directory, weights)
    except ObjectStoreAway as error:
        log.warning("checkpoints that nobody needs stay: %s", error)
