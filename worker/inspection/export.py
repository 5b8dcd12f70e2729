"""Exports a model, and says so only when the files answer as the checkpoint does.

Knows nothing of where the pictures of the check come from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from study import atomic
from study.errors import HpoError, UsageError
from worker.evaluation.classifier import Classifier
from worker.inspection.formats import FORMATS, Run, trace
from worker.inspection.packaged import Packaged, contract
from worker.inspection.squares import Squares

TOLERANCE = 1e-3  # largest difference of a logit, and of a distance
PICTURES = 512  # at most, that a file is checked on


@dataclass(frozen=True)
class Exported:
    """A file that answers as the checkpoint does."""

    file: Path
    pictures: int
    """It was checked on."""
    difference: float
    """Largest of a logit, and of a distance from the training pictures."""


def export(
    classifier: Classifier, squares: Squares, folder: Path, formats: Sequence[str]
) -> list[Exported]:
    """Writes `model.onnx` and `model.pt2` into the folder, as far as they are among the formats.

    squares: real pictures, for the check. Takes the classifier's model to the CPU and float32.
    Raises HpoError where a file gives other logits, UsageError where no picture can be read; the
    folder is then as it was.
    """
    package = Packaged(classifier)
    first = next(iter(squares.batches(range(min(2, len(squares.names))))), None)
    if first is None:
        raise UsageError("no picture to check the export on can be read")
    program = trace(package, np.resize(first[1], (2, *first[1].shape[1:])))
    folder.mkdir(parents=True, exist_ok=True)
    done = []
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as work:
        for name in formats:
            file = Path(work) / f"model{FORMATS[name].suffix}"
            FORMATS[name].write(program, contract(classifier.described), file)
            pictures, difference = _compared(package, FORMATS[name].open(file), squares)
            if not difference <= TOLERANCE:
                raise HpoError(
                    f"{file.name}: must give the checkpoint's answers to {TOLERANCE}, "
                    f"differs by {difference:.2g} on {pictures} pictures"
                )
            done.append(Exported(folder / file.name, pictures, difference))
        for exported in done:
            (Path(work) / exported.file.name).replace(exported.file)
    atomic.sync_directory(folder)
    return done


@torch.no_grad()
def _compared(package: Packaged, run: Run, squares: Squares) -> tuple[int, float]:
    """How many pictures both were asked, and the largest difference of an answer."""
    pictures, largest = 0, 0.0
    for _, pixels in squares.batches(range(min(PICTURES, len(squares.names)))):
        wanted = package(torch.from_numpy(pixels))
        for given, answer in zip(run(pixels), wanted, strict=True):
            largest = max(largest, float(np.abs(given - answer.numpy()).max()))
        pictures += len(pixels)
    return pictures, largest
