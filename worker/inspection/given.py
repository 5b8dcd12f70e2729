"""The model and the pictures that a person names on the command line, opened.

Knows nothing of what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from study import paths
from study.errors import BadData, CheckpointCorrupt, DataError, UsageError, one_line
from study.listing import is_picture
from study.promotion import find_promoted
from worker.data.decode import Undecodable
from worker.data.source import read_file
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.inspection.squares import FileSquares, Square


@dataclass(frozen=True)
class Named:
    """A picture file."""

    file: Path
    name: str
    """What it is called in an answer: below the folder that was given, else as it was given."""


def open_model(model: str, device: str) -> Classifier:
    """The promoted model of a study's name or a folder. Raises UsageError where there is none, or
    one that is not whole."""
    try:
        return Classifier(find_promoted(model), device=device)
    except CheckpointCorrupt as error:
        raise UsageError(one_line(str(error))) from error


def open_store(classifier: Classifier) -> Store:
    """The packed data set the model was trained on. Raises UsageError where it is not here."""
    place = paths.data().store(classifier.described.manifest.store)
    try:
        return Store.open(place)
    except BadData as error:
        raise UsageError(
            f"{place}: the data set that the model was trained on is not packed here: give "
            "pictures as DATA, or set HPO_DATA to where it is"
        ) from error


def find_pictures(given: Iterable[str]) -> Iterator[Named]:
    """Files as they are; of a folder the pictures in it, however deep, by name. A file that is
    not there is told when it is read. Raises UsageError for a folder without pictures."""
    for name in given:
        path = Path(name)
        if not path.is_dir():
            yield Named(path, name)
            continue
        found = sorted(
            (file.relative_to(path).as_posix(), file)
            for file in path.rglob("*")
            if is_picture(file.relative_to(path).as_posix())
        )
        if not found:
            raise UsageError(one_line(f"{path}: no pictures in this folder"))
        yield from (Named(file, below) for below, file in found)


def as_squares(pictures: list[Named], classifier: Classifier, threads: int) -> FileSquares:
    """The files as the model is fed with them."""
    files = {picture.name: picture.file for picture in pictures}
    if len(files) < len(pictures):
        raise UsageError("two pictures have the same name below their folders: give one folder")
    return FileSquares(list(files), lambda name: read_file(files[name]), classifier.square, threads)


def read_square(picture: Path, classifier: Classifier) -> Square:
    """One file as the model is fed with it. Raises DataError where it is no picture."""
    try:
        return classifier.square(read_file(picture))
    except (Undecodable, ValueError) as error:
        raise DataError(f"{picture}: {error}") from error
