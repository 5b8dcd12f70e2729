"""What a trial's process does once it is dismissed, while the next trial trains.

Knows nothing of how the trial went.
"""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from dataclasses import dataclass

from worker.illustration import Illustration
from worker.tracking.narrator import Narrator


@dataclass
class Epilogue:
    """Filled in while the trial goes on; what it did not come to is None."""

    narrator: Narrator | None = None
    illustration: Illustration | None = None

    def perform(self, value: float | None) -> None:
        """At the lowest priority; takes seconds. value: the trial's, None where it has none."""
        os.nice(19)
        _return_memory()
        if self.illustration is not None:
            self.illustration.draw()
        if self.narrator is not None:
            self.narrator.end(value)


def _return_memory() -> None:
    """What training has freed the C library keeps for the next allocation: at 128 px 160 MiB that
    the next trial has a use for. Other C libraries than GNU's have no such call."""
    gc.collect()
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
