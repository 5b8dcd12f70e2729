"""The section `training.augmentation`: what is done to training pictures, with every default.

Knows nothing of pixels (worker/data/augment.py).
"""

from __future__ import annotations

from pydantic import field_validator

from study.config.constraints import Fraction, Range
from study.config.record import Record


class AugmentationConfig(Record):
    """What is done to training pictures; validation pictures are only resized."""

    crop_scale: Range | None = (0.7, 1.0)
    """Area of a random resized crop as fractions of the picture; None: the whole picture."""
    crop_ratio: Range = (3 / 4, 4 / 3)
    """Width over height of the crop."""
    horizontal_flip: Fraction = 0.5
    """Probability."""

    @field_validator("crop_scale", "crop_ratio")
    @classmethod
    def _ordered(cls, value: Range | None) -> Range | None:
        if value is not None and value[0] > value[1]:
            raise ValueError(f"the lowest value must come first, got {list(value)}")
        return value

    @field_validator("crop_scale")
    @classmethod
    def _inside(cls, value: Range | None) -> Range | None:
        if value is not None and value[1] > 1.0:
            raise ValueError(f"a crop cannot be larger than the picture, got {list(value)}")
        return value
