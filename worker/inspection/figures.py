"""Figures of a model's answers to pictures whose class is known, as PNG files.

Beside those of a trial (worker/evaluation/figures.py): how far its confidence can be trusted, how
well it knows each class, and some of its answers. Knows nothing of where pictures come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from worker.evaluation.metrics import CALIBRATION_BINS, calibration_error
from worker.inspection.drawing import save, show
from worker.inspection.squares import Square

RIGHT, WRONG = "#2e8b57", "#c23b22"
COLUMNS = 10  # pictures side by side
SCORES = ("precision", "recall", "f1")
COLOURS = ("#2a78b5", "#e0a030", "#5a5a5a")


@dataclass(frozen=True)
class Shown:
    """An answer to a picture."""

    square: Square
    true: str
    predicted: str
    confidence: float


def draw_reliability(logits: Tensor, labels: Tensor, target: Path) -> None:
    """How often the model is right when it is so sure, and how often it is so sure.

    Bins of equal width, as the expected calibration error has them (Guo et al., 2017).
    logits: (N, C) float; labels: (N,) int64. Raises OSError.
    """
    probabilities = logits.softmax(dim=1)
    confidence, predicted = probabilities.max(dim=1)
    bins = (confidence * CALIBRATION_BINS).long().clamp(max=CALIBRATION_BINS - 1)
    pictures = torch.bincount(bins, minlength=CALIBRATION_BINS).double()
    hits = torch.bincount(bins[predicted == labels], minlength=CALIBRATION_BINS).double()
    accuracy = (hits / pictures).numpy()  # NaN, which is not drawn, where no picture is
    centres = (np.arange(CALIBRATION_BINS) + 0.5) / CALIBRATION_BINS
    figure = Figure(figsize=(5, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 0.9 / CALIBRATION_BINS
    above.bar(centres, accuracy, width, color=COLOURS[0], label="accuracy")
    above.plot([0, 1], [0, 1], color="0.4", linestyle="--", label="as sure as right")
    error = calibration_error(probabilities, labels).item()
    above.set(title=f"expected calibration error {error:.4f}", ylabel="accuracy", ylim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2)
    below.bar(centres, pictures.numpy(), width, color="0.6")
    below.set(xlabel="confidence", ylabel="pictures", xlim=(0, 1))
    save(figure, target)


def draw_classes(
    per_class: Mapping[str, Mapping[str, float]], marked: Sequence[str], target: Path
) -> None:
    """Precision, recall and F1 of each class, the best known first.

    marked: classes with too few pictures, whose names get an asterisk. Raises OSError.
    """
    names = sorted(per_class, key=lambda name: -per_class[name]["f1"])
    places = np.arange(len(names))
    figure = Figure(figsize=(7, 1.2 + 0.32 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    for index, (score, colour) in enumerate(zip(SCORES, COLOURS, strict=True)):
        values = [per_class[name][score] for name in names]
        axes.barh(places + (index - 1) * 0.27, values, 0.25, color=colour, label=score)
    titles = [
        f"{name}{' *' if name in set(marked) else ''} ({int(per_class[name]['support'])})"
        for name in names
    ]
    axes.set_yticks(places, titles)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=len(SCORES))
    if marked:
        figure.supxlabel("* few pictures: one more or less changes much", fontsize=8)
    save(figure, target)


def draw_predictions(shown: Sequence[Shown], target: Path) -> None:
    """Pictures with their class, and below it the model's answer and how sure it was, in a frame:
    green where it is right, red where it is wrong. Raises OSError."""
    rows = -(-len(shown) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 1.35, rows * 1.9), layout=ConstrainedLayoutEngine(h_pad=0.1))
    places = figure.subplots(rows, COLUMNS, squeeze=False)
    for place, answer in zip(places.flat, shown, strict=False):
        colour = RIGHT if answer.true == answer.predicted else WRONG
        show(place, answer.square)
        place.axis("on")
        place.set(xticks=[], yticks=[])
        place.spines[:].set(edgecolor=colour, linewidth=3)
        place.set_title(answer.true, fontsize=8)
        place.set_xlabel(f"{answer.predicted}\n{answer.confidence:.0%}", fontsize=8, color=colour)
    for place in places.flat[len(shown) :]:
        place.axis("off")
    save(figure, target)
