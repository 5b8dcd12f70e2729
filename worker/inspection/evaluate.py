"""Measures a model on pictures whose class is known: metrics, and figures of what it gets wrong.

Holds a batch of pictures and all logits, never more: pictures that are shown are read again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study import atomic
from study.errors import UsageError
from study.paths import CONFUSION, CURVES, MISTAKES, RESULT
from worker.evaluation.classifier import Classifier, Described
from worker.evaluation.figures import WrongPicture, draw_confusion, draw_curves, draw_mistakes
from worker.evaluation.findings import Found, describe, find
from worker.evaluation.likeness import is_unlike
from worker.evaluation.metrics import summarise
from worker.inspection.answer import Progress
from worker.inspection.examples import Examples
from worker.inspection.figures import Shown, draw_classes, draw_predictions, draw_reliability
from worker.inspection.squares import Square, Squares

RELIABILITY, CLASSES, PREDICTIONS = "reliability.png", "classes.png", "predictions.png"
GRID = 30  # predictions shown


@dataclass(frozen=True)
class Measured:
    """A model's answers to all pictures that could be read."""

    numbers: Tensor
    """(N,) int64, of the pictures."""
    logits: Tensor
    """(N, C) float32, on the CPU."""
    distances: Tensor
    """(N,) float32, from the training pictures; on the CPU."""
    labels: Tensor
    """(N,) int64."""
    seconds: float


def infer(classifier: Classifier, examples: Examples, progress: Progress) -> Measured:
    """Asks the model. Raises UsageError where no picture can be read."""
    numbers: list[int] = []
    logits: list[Tensor] = []
    distances: list[Tensor] = []
    began = time.perf_counter()
    for batch, pixels in examples.squares.batches(range(len(examples.labels))):
        answer, distance = classifier.judge(pixels)
        logits.append(answer.cpu())
        distances.append(distance.cpu())
        del pixels  # before the next batch is made
        numbers += batch
        progress(len(batch))
    if not logits:
        raise UsageError(f"{examples.what}: none of the pictures can be read")
    labels = torch.tensor([examples.labels[number] for number in numbers])
    seconds = time.perf_counter() - began
    return Measured(
        numbers=torch.tensor(numbers),
        logits=torch.cat(logits),
        distances=torch.cat(distances),
        labels=labels,
        seconds=seconds,
    )


def write_result(
    described: Described, examples: Examples, measured: Measured, folder: Path
) -> dict[str, Any]:
    """Writes and gives what was found, in the words of a trial's result.json and some more."""
    manifest, squares = described.manifest, examples.squares
    found = _found(measured)
    metrics = summarise(measured.logits, measured.labels)
    result = {
        "study": manifest.study,
        "version": manifest.version,
        "trial": manifest.trial,
        "data": examples.what,
        "pictures": len(measured.logits),
        "unreadable": {squares.names[number]: why for number, why in squares.unreadable.items()},
        "unlike": is_unlike(measured.distances).double().mean().item(),
        "pictures_per_second": round(len(measured.logits) / measured.seconds, 1),
        **describe(found, metrics, described.classes, squares.names),
    }
    atomic.write_json(folder / RESULT, result)
    return result


def draw(
    described: Described,
    examples: Examples,
    measured: Measured,
    result: dict[str, Any],
    folder: Path,
) -> list[Path]:
    """Draws all figures into the folder; gives the files."""
    files = [folder / name for name in (CONFUSION, RELIABILITY, CLASSES, PREDICTIONS)]
    confusion, reliability, classes, predictions = files
    draw_confusion(
        described.classes, np.array(result["confusion"]), result["low_support"], confusion
    )
    draw_reliability(measured.logits, measured.labels, reliability)
    draw_classes(result["per_class"], result["low_support"], classes)
    draw_predictions(_grid(described, examples, measured), predictions)
    mistakes = _mistakes(described, examples.squares, _found(measured))
    if mistakes:
        draw_mistakes(mistakes, folder / MISTAKES)
        files.append(folder / MISTAKES)
    if described.history:
        draw_curves(*_history(described), folder / CURVES)
        files.insert(0, folder / CURVES)
    return files


def _found(measured: Measured) -> Found:
    return find(measured.logits, measured.labels, measured.numbers.numpy())


def _history(described: Described) -> tuple[list[dict[str, float]], int]:
    """The metrics of each epoch, and which was the best."""
    epochs = [epoch["metrics"] for epoch in described.history]
    search = described.config.search
    values = [search.sign * metrics.get(search.metric, -np.inf) for metrics in epochs]
    return epochs, int(np.argmax(values))


def _grid(described: Described, examples: Examples, measured: Measured) -> list[Shown]:
    """Predictions drawn by lot, the same ones every time."""
    count = min(GRID, len(measured.numbers))
    lot = np.random.default_rng(0).choice(len(measured.numbers), count, replace=False)
    chosen = {int(measured.numbers[index]): int(index) for index in np.sort(lot)}
    classes = described.classes
    shown = []
    for number, square in _read(examples.squares, list(chosen)):
        confidence, predicted = measured.logits[chosen[number]].softmax(dim=0).max(dim=0)
        true = classes[examples.labels[number]]
        shown.append(Shown(square, true, classes[int(predicted)], confidence.item()))
    return shown


def _mistakes(described: Described, squares: Squares, found: Found) -> list[WrongPicture]:
    wrong = {mistake["row"]: mistake for mistake in found["mistakes"]}
    classes = described.classes
    return [
        WrongPicture(
            pixels=square,
            true=classes[wrong[number]["true"]],
            predicted=classes[wrong[number]["predicted"]],
            confidence=wrong[number]["confidence"],
        )
        for number, square in _read(squares, list(wrong))
    ]


def _read(squares: Squares, numbers: Sequence[int]) -> list[tuple[int, Square]]:
    """A few pictures, again."""
    return [
        (number, square)
        for batch, pixels in squares.batches(numbers)
        for number, square in zip(batch, pixels, strict=True)
    ]
