"""Figures of a trial as PNG files: learning curves, the confusion matrix, the worst mistakes.

Knows nothing of trials and data sets; every figure is drawn from plain values. Uses matplotlib's
objects without pyplot, which keeps figures for ever and may want a screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from study import atomic

DPI = 100  # pixels per inch
COUNTED = 30  # classes; with more, numbers in the cells cannot be read
NAMED = 200  # classes; with more, names cannot be read
CONFUSIONS = 10  # most frequent ones, told in words where cells have no numbers
COLUMNS = 6  # pictures side by side
CAPTION, GAP = 0.3, 0.1  # above a picture and between two, of its side
RIGHT, WRONG = "#2a78b5", "#c23b22"


@dataclass(frozen=True)
class WrongPicture:
    """One picture that was taken for another class."""

    pixels: NDArray[np.uint8]
    """(H, W, C), one channel or three."""
    true: str
    predicted: str
    confidence: float


def draw_curves(epochs: Sequence[Mapping[str, float]], best: int, target: Path) -> None:
    """Loss and accuracy of both splits over the epochs, from 0; the best one is marked.

    epochs: metrics of each, by name. Raises OSError.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name, title in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("loss, nats", "accuracy"), strict=True
    ):
        for prefix, colour, label in (("train_", WRONG, "training"), ("", RIGHT, "validation")):
            values = [metrics.get(prefix + name, np.nan) for metrics in epochs]
            axes.plot(values, color=colour, label=label, marker="." if len(values) < 40 else None)
        axes.axvline(best, color="0.6", linestyle=":", zorder=0)
        value = epochs[best].get(name, np.nan)
        axes.plot(best, value, "o", color=RIGHT, markersize=8, fillstyle="none")
        axes.set(title=f"{title}: {value:.4f} at epoch {best}", xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    figure.axes[0].legend()
    _write(figure, target)


def draw_confusion(
    classes: Sequence[str], confusion: NDArray[np.int64], marked: Sequence[str], target: Path
) -> None:
    """The confusion matrix, every row coloured by its shares: rows are true classes.

    confusion: (C, C) pictures. marked: classes with too few pictures, whose names get an asterisk.
    Raises OSError.
    """
    count = len(classes)
    side = min(16.0, max(4.5, 0.45 * count)) if count <= COUNTED else min(20.0, 6 + 0.08 * count)
    figure = Figure(figsize=(side + 1.5, side), layout="constrained")
    axes = figure.add_subplot()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [f"{name} *" if name in set(marked) else name for name in classes]
    size = min(10.0, 60 * side / count)  # points; 72 of them are an inch
    if count <= NAMED:
        axes.set_xticks(range(count), names, rotation=90, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
    axes.set(xlabel="predicted", ylabel="true")
    figure.colorbar(shown, label="share of the true class", shrink=0.6)
    if count <= COUNTED:
        _count(axes, confusion, shares)
    else:
        axes.set_title(_most_frequent(classes, confusion), loc="left", fontsize=9)
    if marked:
        figure.supxlabel("* few pictures: one more or less changes much", fontsize=8)
    _write(figure, target)


def draw_mistakes(mistakes: Sequence[WrongPicture], target: Path) -> None:
    """The pictures with the true class, the one they were taken for and how surely. Raises
    OSError."""
    rows, side = -(-len(mistakes) // COLUMNS), mistakes[0].pixels.shape[0]
    cell = np.array([side * (1 + CAPTION), side * (1 + GAP)])  # height and width, pixels
    figure = Figure(figsize=(2 * COLUMNS, 2 * rows * cell[0] / cell[1]))
    axes = figure.add_axes((0, 0, 1, 1))  # one for all: an axes takes 20 ms
    for index, wrong in enumerate(mistakes):
        top, left = np.array(divmod(index, COLUMNS)) * cell + (side * CAPTION, side * GAP / 2)
        axes.imshow(
            wrong.pixels.squeeze(),
            cmap="gray",
            vmin=0,
            vmax=255,
            extent=(left, left + side, top + side, top),
        )
        middle, line = left + side / 2, side * CAPTION / 2
        taken = f"{wrong.predicted} {wrong.confidence:.0%}"
        axes.text(middle, top - line, wrong.true, fontsize=9, ha="center")
        axes.text(middle, top, taken, color=WRONG, fontsize=9, ha="center", va="bottom")
    axes.set(xlim=(0, COLUMNS * cell[1]), ylim=(rows * cell[0], 0))
    axes.set_axis_off()
    _write(figure, target)


def _count(axes: Axes, confusion: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    """Pictures in each cell that has some."""
    size = 9 if len(confusion) <= 15 else 6
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        pictures = str(confusion[row, column])
        axes.text(column, row, pictures, ha="center", va="center", color=colour, fontsize=size)


def _most_frequent(classes: Sequence[str], confusion: NDArray[np.int64]) -> str:
    """The confusions with the most pictures, a few of them in a line."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    told = [
        f"{classes[row]} as {classes[column]}: {wrong[row, column]}"
        for row, column in zip(
            *np.unravel_index(np.argsort(-wrong, axis=None)[:CONFUSIONS], wrong.shape), strict=True
        )
        if wrong[row, column]
    ]
    lines = [", ".join(told[start : start + 5]) for start in range(0, len(told), 5)]
    return "\n".join(["Most frequent confusions", *lines])


def _write(figure: Figure, target: Path) -> None:
    with atomic.replacing(target) as file:
        figure.savefig(file, format="png", dpi=DPI)
