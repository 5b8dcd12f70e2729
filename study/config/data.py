"""The section `data`: where pictures come from, how they are split and packed, with every default.

Knows nothing of files and line numbers (see load.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from study.config.constraints import Expression, Misfit, PathText, Seed, Sha256
from study.config.record import Record
from study.hub import is_hub, parse_hub


def _known_hub(source: str) -> str:
    if is_hub(source):
        parse_hub(source)
    return source


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"must name each class once, got {', '.join(twice)} twice")
    return names


ClassNames = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2), AfterValidator(_distinct)
]
ClassCount = Annotated[int, Field(ge=2)]
Classes = Annotated[
    Annotated[ClassNames, Tag("names")] | Annotated[ClassCount, Tag("count")],
    Discriminator(lambda given: "names" if isinstance(given, (list, tuple)) else "count"),
]
"""Decided by kind, so that a mistake is told of one of them."""


class SplitConfig(Record):
    """How pictures without a given split are divided; classes keep their proportions."""

    val: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    """Fraction of the pictures held out for the objective. Without a meaning where there are folds.
    """
    folds: Annotated[int, Field(ge=2, le=20)] | None = None
    """Divides the training pictures into so many folds, and a trial trains as many models, each
    validated on one fold and trained on the others. The source's own val pictures join them."""
    test: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.15
    """Fraction touched only once, by promotion. Ignored where the source brings a test split."""
    given_val: Literal["val", "test"] = "val"
    """What the source's own val folder is used as. test: a test split under another name; val is
    then held out of train."""
    group: Expression | None = None
    """Regular expression searched in a picture's file name; pictures with the same first group of
    the match never straddle a split. For example `^([^_]+)_`."""
    keep_together: Literal["exact", "near"] = "exact"
    """Which pictures never straddle a split: exact, files with the same bytes where there are no
    groups; near, also what looks nearly the same (worker/data/alike.py), with the groups it is
    of."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _some_left(self) -> SplitConfig:
        if self.val + self.test >= 1.0:
            raise Misfit(
                "val", f"val and test must be below 1 together, got {self.val} + {self.test}"
            )
        return self

    @property
    def val_share(self) -> float:
        """Fraction of the pictures that a model is validated on; the source may know better."""
        return (1.0 - self.test) / self.folds if self.folds else self.val


class DataConfig(Record):
    """Where the pictures are and how they are packed."""

    source: Annotated[PathText, AfterValidator(_known_hub)]
    """A folder of class folders, one with train/ (val/) test/ above them, an archive of either, a
    .csv with the columns path, label and optionally split and group, or hf://OWNER/NAME."""
    sha256: Sha256 | None = None
    """Checksum an archive must have."""
    classes: Classes | None = None
    """The classes that are used: their names, or how many of those with the most pictures. None:
    all."""
    image_size: Annotated[int, Field(ge=8, le=1024)]
    """Side of the square a model sees, pixels."""
    store_size: Annotated[int, Field(ge=8, le=1024)] | None = None
    """Side of the packed square, pixels; larger than image_size leaves detail for random crops.
    None: image_size."""
    channels: Literal[1, 3] = 3
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How a picture becomes a square: cut the long side, pad the short side, or distort."""
    split: SplitConfig = SplitConfig()
    loader: Literal["auto", "resident", "dali", "torchvision"] = "auto"
    """resident: packed pixels in memory. dali, torchvision: decode the files in every epoch.
    auto: resident when the pixels fit, else dali, else torchvision."""

    @model_validator(mode="after")
    def _large_enough(self) -> DataConfig:
        if self.packed_size < self.image_size:
            rule = f"must be at least image_size={self.image_size}, got {self.store_size}"
            raise Misfit("store_size", rule)
        return self

    @property
    def packed_size(self) -> int:
        """Side of the packed square, pixels."""
        return self.store_size or self.image_size
