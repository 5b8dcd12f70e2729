"""One element of `training.stages`: what a part of a trial does otherwise than the section says.

Knows nothing of how a stage is carried out (worker/training/stages.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.config.augmentation import AugmentationConfig
from study.config.constraints import Fraction, Positive
from study.config.record import Record

Schedule = Literal["one_cycle", "cosine", "step", "constant"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class StageConfig(Record):
    """A part of each trial, with a schedule and an optimizer of its own. None: as in `training`."""

    epochs: Annotated[int, Field(ge=1)]
    learning_rate: Positive | None = None
    """Peak of the stage's schedule."""
    schedule: Schedule | None = None
    warmup: Fraction | None = None
    """Part of the stage's steps."""
    batch_size: Annotated[int, Field(ge=1)] | None = None
    precision: Precision | None = None
    augmentation: AugmentationConfig | None = None
    """Replaces training.augmentation as a whole."""
    resume: Literal["last", "best"] = "last"
    """Which weights it begins with: those of the last epoch before it, or those of the best one.
    Without a meaning for the first stage."""
