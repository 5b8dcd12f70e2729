"""Pictures whose class is known, to measure a model on: of its packed data set or of any source.

Knows nothing of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from study.dataset import Split
from study.errors import DataError, UsageError, one_line
from study.listing import Entry, Listing
from worker.data.source import open_source
from worker.evaluation.classifier import Classifier
from worker.inspection.given import open_store
from worker.inspection.squares import FileSquares, PackedSquares, Squares

HELD_OUT: tuple[Split, ...] = ("test", "val")
"""What a model is measured on, the least known to it first."""


@dataclass(frozen=True)
class Examples:
    """Pictures and what they are."""

    what: str
    """For a person: which pictures."""
    squares: Squares
    labels: Sequence[int]
    """Of each picture: an index into the model's classes."""


def packed_examples(classifier: Classifier) -> Examples:
    """The test split of the data set the model was trained on, else the validation split. Raises
    UsageError where it is not packed here."""
    store = open_store(classifier)
    split = next(name for name in HELD_OUT if name in store.manifest.splits)
    squares = PackedSquares(store, split)
    return Examples(f"{split} split of {store.manifest.content[:12]}", squares, squares.labels)


@contextmanager
def source_examples(classifier: Classifier, data: str, threads: int) -> Iterator[Examples]:
    """Pictures of a source as data.source takes it; of one with splits what was held out. Classes
    that the study did not choose are left out; others that the model has not raise UsageError."""
    with closing(open_source(data)) as source:
        listing = source.listing()
        what, entries = _held_out(listing)
        if classifier.described.config.data.classes is not None:  # the study chose among them
            entries = [entry for entry in entries if entry.label in classifier.classes]
        if not entries:
            raise DataError(f"{source.place}: no pictures found")
        squares = FileSquares(
            [entry.name for entry in entries], source.read, classifier.square, threads
        )
        yield Examples(f"{what}{data}", squares, _labels(entries, classifier.classes, source.place))


def _held_out(listing: Listing) -> tuple[str, Sequence[Entry]]:
    for split in HELD_OUT:
        entries = [entry for entry in listing.entries if entry.split == split]
        if entries:
            return f"{split} split of ", entries
    return "", listing.entries


def _labels(entries: Sequence[Entry], classes: Sequence[str], where: str) -> list[int]:
    index = {name: number for number, name in enumerate(classes)}
    unknown = sorted({entry.label for entry in entries} - index.keys())
    if unknown:
        raise UsageError(
            one_line(
                f"{where}: must have classes of the model, got {', '.join(unknown)}; "
                f"the model's: {', '.join(classes)}"
            )
        )
    return [index[entry.label] for entry in entries]
