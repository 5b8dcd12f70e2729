"""The section `training.augmentation`: what is done to training pictures, with every default.

Every strength is a single number or a pair, so that a search can fill it in. Knows nothing of
pixels (worker/data/augment.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from study.config.constraints import Fraction, Range
from study.config.record import Record


class AugmentationConfig(Record):
    """What is done to training pictures, in this order; validation pictures are only resized."""

    enabled: bool = True
    """false: training pictures are only resized, whatever the rest says."""
    crop_scale: Range | None = (0.7, 1.0)
    """Area of a random resized crop as fractions of the picture; None: the whole picture."""
    crop_ratio: Range = (3 / 4, 4 / 3)
    """Width over height of the crop."""
    horizontal_flip: Fraction = 0.5
    """Probability."""
    vertical_flip: Fraction = 0.0
    """Probability."""
    rotation: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0
    """Largest angle, degrees, either way."""
    translate: Fraction = 0.0
    """Largest shift along each axis, either way, as a fraction of the picture's side."""
    scale: Range = (1.0, 1.0)
    """Factors by which what is in the picture grows."""
    shear: Annotated[float, Field(ge=0.0, lt=90.0)] = 0.0
    """Largest angle along each axis, degrees, either way."""
    policy: Literal["none", "randaugment", "trivialaugment"] = "none"
    """Operations drawn from a list for each picture (worker/data/policies.py)."""
    operations: Annotated[int, Field(ge=1, le=8)] = 2
    """For randaugment: operations a picture."""
    magnitude: Annotated[float, Field(ge=0.0, le=30.0)] = 9.0
    """For randaugment: how strong they are; 30 is the strongest."""
    brightness: Fraction = 0.0
    """Factors lie between 1 - brightness and 1 + brightness."""
    contrast: Fraction = 0.0
    """Factors lie between 1 - contrast and 1 + contrast."""
    saturation: Fraction = 0.0
    """Factors lie between 1 - saturation and 1 + saturation."""
    hue: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Largest turn of the colours, either way; 1 is a full turn."""
    equalise: Fraction = 0.0
    """Probability that a picture's histogram is made flat."""
    erasing: Fraction = 0.0
    """Probability that a rectangle is painted over with the mean colour."""
    erasing_scale: Range = (0.02, 0.33)
    """Area of the rectangle as fractions of the picture."""
    mixup_alpha: Annotated[float, Field(ge=0.0)] = 0.0
    """Of the Beta distribution of a picture's share when it is blended with another; 0: never."""
    cutmix_alpha: Annotated[float, Field(ge=0.0)] = 0.0
    """Of the Beta distribution of a picture's share when a rectangle of another is put over it; 0:
    never. With mixup_alpha each picture meets one of the two, with equal chance."""

    @field_validator("crop_scale", "crop_ratio", "scale", "erasing_scale")
    @classmethod
    def _ordered(cls, value: Range | None) -> Range | None:
        if value is not None and value[0] > value[1]:
            raise ValueError(f"the lowest value must come first, got {list(value)}")
        return value

    @field_validator("crop_scale", "erasing_scale")
    @classmethod
    def _inside(cls, value: Range | None) -> Range | None:
        if value is not None and value[1] > 1.0:
            raise ValueError(f"a part cannot be larger than the picture, got {list(value)}")
        return value
