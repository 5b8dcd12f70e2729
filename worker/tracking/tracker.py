"""Where a trial's curves go: the seam over TensorBoard, Weights & Biases and MLflow.

Knows nothing of models and of how metrics come about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from study.config.parameters import Scalar

Values = NDArray[np.float32]
"""Of a histogram, (N,)."""
Pixels = NDArray[np.uint8]
"""Pictures, (N, H, W, C), one channel or three."""


@dataclass(frozen=True, kw_only=True)
class TrackedTrial:
    """What is told of."""

    study: str
    number: int
    parameters: Mapping[str, Scalar | None]
    """What the search chose, by dotted path."""
    directory: Path
    """The trial's, for those that write files."""
    first_epoch: int
    """That this process tells; those after it that were told before are replaced where the tracker
    can."""


class Tracker(Protocol):
    """One process's part of one trial; used by one thread. Every method may take its time and raise
    anything: see background.py for what keeps the trial from noticing."""

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """An epoch's metrics. Values may be NaN or infinite."""

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None:
        """Numbers from inside the model; never empty, and finite."""

    def pictures(self, epoch: int, pixels: Pixels) -> None:
        """What the model is fed."""

    def end(self, value: float | None) -> None:
        """The last call. value: the trial's, None where it has not come to its end here."""


NewTracker = Callable[[TrackedTrial], Tracker]
"""Opens one; may take its time and raise anything, too."""
