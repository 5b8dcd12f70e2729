"""What a packed data set says of itself: the record both sides read from its manifest.json.

Knows nothing of pixels; worker/data/ packs and reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from study import paths
from study.errors import BadData

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class ManifestRecord(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quarantined(ManifestRecord):
    """A file that is not used, and why."""

    name: str
    reason: str


class Converted(ManifestRecord):
    """A file that is used in another form than it came in."""

    name: str
    change: str
    """For example `CMYK to RGB` or `first of 12 frames`."""


class Duplicates(ManifestRecord):
    """Files with the same bytes."""

    names: tuple[str, ...]
    splits: tuple[Split, ...]
    """Each split once."""
    classes: tuple[str, ...]
    """Each class once; more than one means a wrong label."""

    @property
    def is_leak(self) -> bool:
        """Whether a model would be measured on what it was trained on: in several splits."""
        return len(self.splits) > 1


class SplitRange(ManifestRecord):
    """A split's rows of the store: [start, stop)."""

    start: int
    stop: int
    class_counts: tuple[int, ...]
    """Pictures per class, in the order of `classes`."""
    without: tuple[int, int] | None = None
    """Rows in between that belong to another split: [start, stop). Only training has them, where
    a fold is held out."""

    @property
    def size(self) -> int:
        """Pictures."""
        start, stop = self.without or (0, 0)
        return self.stop - self.start - (stop - start)


class DatasetManifest(ManifestRecord):
    """One packed data set."""

    content: str
    """sha256 of pixels, labels, classes and splits; the store's name."""
    classes: tuple[str, ...]
    size: int
    """Side of the packed square, pixels."""
    channels: Literal[1, 3]
    splits: dict[Split, SplitRange]
    folds: tuple[SplitRange, ...] = ()
    """Where the training pictures are divided into folds: their rows, of which those of the first
    are `splits.val` and those of the others together `splits.train`."""
    mean: tuple[float, ...]
    """Per channel over the training split, in [0, 1]."""
    std: tuple[float, ...]
    """Per channel over the training split, in [0, 1]; at least 1/255."""
    source: str
    """Absolute path of the folder, archive or list the pictures came from."""
    names: tuple[str, ...]
    """Each row's file inside the source, in the order of the store."""
    quarantined: tuple[Quarantined, ...] = ()
    converted: tuple[Converted, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person should know, for example a class that cannot be in every split."""

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def pixel_bytes(self) -> int:
        """Size of the packed pixels."""
        return len(self.names) * self.size * self.size * self.channels


def read_manifest(store: Path) -> DatasetManifest:
    """Reads a store's manifest. Raises BadData where it is missing or not one."""
    try:
        return DatasetManifest.model_validate_json((store / paths.MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise BadData(f"{store}: not a packed data set: {error}") from error
