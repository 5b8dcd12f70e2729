"""What a trial's process does once it is dismissed, while the next trial trains.

Knows nothing of how the trial went.
"""

from __future__ import annotations

import os
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
        if self.illustration is not None:
            self.illustration.draw()
        if self.narrator is not None:
            self.narrator.end(value)
