"""What a complete trial leaves for people: its result at once, figures when nobody waits for them.

Runs in the trial's process, the figures after its last word (see epilogue.py). Knows nothing of
leases and of the database.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from study import atomic
from study.errors import HpoError
from study.paths import CONFUSION, CURVES, MISTAKES, RESULT
from worker.data.store import Store
from worker.evaluation.figures import WrongPicture, draw_confusion, draw_curves, draw_mistakes
from worker.evaluation.findings import Found, describe, low_support
from worker.mirrored import MirroredDirectory
from worker.training.progress import EpochResult

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Illustration:
    """One complete trial."""

    directory: Path
    """The trial's."""
    copy: MirroredDirectory
    """The same directory, in the object store where there is one."""
    store: Store
    history: Sequence[EpochResult]
    best: EpochResult
    found: Found
    """Of the best epoch."""

    @property
    def names(self) -> tuple[str, ...]:
        """The files that there will be."""
        figures = (CURVES, CONFUSION, MISTAKES) if self.found["mistakes"] else (CURVES, CONFUSION)
        return (*figures, RESULT)

    def write_result(self) -> None:
        """Raises OSError, ObjectStoreAway."""
        manifest = self.store.manifest
        result = describe(self.found, self.best.metrics, manifest.classes, manifest.names)
        atomic.write_text(self.directory / RESULT, json.dumps(result, allow_nan=False) + "\n")
        self.copy.add(RESULT)

    def draw(self) -> None:
        """Takes a second or two. What goes wrong is logged: the trial is over."""
        try:
            self._draw()
        except (OSError, HpoError, ValueError) as error:
            log.warning("%s: without all of its figures: %s", self.directory, error)

    def _draw(self) -> None:
        manifest, found = self.store.manifest, self.found
        marked = low_support(found, manifest.classes)
        epochs = [result.metrics for result in self.history]
        best = [result.epoch for result in self.history].index(self.best.epoch)
        draw_curves(epochs, best, self.directory / CURVES)
        confusion = found["confusion"].numpy()
        draw_confusion(manifest.classes, confusion, marked, self.directory / CONFUSION)
        if found["mistakes"]:
            draw_mistakes(self._wrong_pictures(), self.directory / MISTAKES)
        for name in self.names:
            self.copy.add(name)

    def _wrong_pictures(self) -> list[WrongPicture]:
        classes = self.store.manifest.classes
        return [
            WrongPicture(
                pixels=np.asarray(self.store.pixels[wrong["row"]]),
                true=classes[wrong["true"]],
                predicted=classes[wrong["predicted"]],
                confidence=wrong["confidence"],
            )
            for wrong in self.found["mistakes"]
        ]
