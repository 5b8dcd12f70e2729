"""A survey as pictures: class counts, sizes, and what is nearly the same side by side.

Figures are made without pyplot, whose figures stay in memory until somebody closes them. Knows
nothing of how it was made.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from study import atomic
from study.dataset import SPLITS, Duplicates
from worker.data.decode import Header
from worker.data.store import Store
from worker.data.survey import Survey, splits_of_rows

NAMED_CLASSES = 60  # with a name each; more are only counted
SETS, EACH = 8, 4  # sets and pictures of each in the grid
COLOURS = {"train": "#4477aa", "val": "#ee7733", "test": "#228833"}
LEAK = "#cc3311"
DPI = 120


def draw_counts(found: Survey, target: Path) -> None:
    """Pictures of each class, the largest first, each split in its colour."""
    splits = [split for split in SPLITS if split in found.counts]
    totals = [sum(counts) for counts in zip(*found.counts.values(), strict=True)]
    order = sorted(range(len(totals)), key=lambda label: (-totals[label], found.classes[label]))
    named = len(order) <= NAMED_CLASSES
    figure = Figure((9, max(2.5, 0.22 * len(order) + 1) if named else 4), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh if named else axes.bar
    before = [0] * len(order)
    for split in splits:
        values = [found.counts[split][label] for label in order]
        bars(range(len(order)), values, 0.8, before, color=COLOURS[split], label=split)
        before = [one + other for one, other in zip(before, values, strict=True)]
    if named:
        axes.set_yticks(range(len(order)), [found.classes[label] for label in order], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("pictures")
    else:
        axes.set(xlabel=f"{len(order)} classes, by size", ylabel="pictures")
    axes.set_title(f"{sum(totals):,} pictures in {len(order)} classes")
    axes.legend()
    _save(figure, target)


def draw_sizes(headers: Sequence[Header], image_size: int, target: Path) -> None:
    """Width against height of the files, larger dots for more of a size; and their formats."""
    figure = Figure((9, 4), layout="constrained")
    plane, kinds = figure.subplots(1, 2, width_ratios=(2, 1))
    sizes = Counter((header.width, header.height) for header in headers)
    most = max(sizes.values(), default=1)
    plane.scatter(
        [width for width, _ in sizes],
        [height for _, height in sizes],
        [8 + 150 * count / most for count in sizes.values()],
        color=COLOURS["train"],
        alpha=0.5,
        linewidths=0,
    )
    for line in (plane.axvline, plane.axhline):
        line(image_size, color=LEAK, linewidth=1)
    plane.set(xlabel="width, pixels", ylabel="height, pixels", xlim=(0, None), ylim=(0, None))
    plane.set_title(f"{len(sizes):,} sizes; lines: data.image_size = {image_size}")
    formats = Counter(f"{header.format} {header.mode}" for header in headers).most_common(10)
    bars = kinds.barh([name for name, _ in formats], [count for _, count in formats])
    kinds.bar_label(bars, fmt="{:,.0f}", padding=3)
    kinds.margins(x=0.25)
    kinds.invert_yaxis()
    kinds.set_title("formats")
    _save(figure, target)


def draw_duplicates(found: Survey, store: Store, target: Path) -> None:
    """Sets of identical, nearly the same and similar pictures, a set a row; leaks first, in red."""
    sets = sorted(
        (*found.identical, *found.near, *(found.similar or ())),
        key=lambda one: (-len(one.splits), -len(one.classes)),
    )[:SETS]
    figure = Figure((2.2 * EACH, 2.3 * max(1, len(sets))), layout="constrained")
    if not sets:
        figure.text(0.5, 0.5, "no two pictures are nearly the same", ha="center")
    row_of = {name: row for row, name in enumerate(store.manifest.names)}
    rows = splits_of_rows(store.manifest)
    grid = figure.subplots(max(1, len(sets)), EACH, squeeze=False)
    for cell in grid.flat:
        cell.set_axis_off()
    for cells, one in zip(grid, sets, strict=False):
        for cell, name in zip(cells, _chosen(one, row_of, rows), strict=False):
            row = row_of[name]
            label = store.manifest.classes[store.labels[row]]
            _show(cell, store.pixels[row], f"{rows[row]}: {label}\n{PurePosixPath(name).name}")
            if one.is_leak:
                _frame(cell)
    _save(figure, target)


def _chosen(one: Duplicates, row_of: dict[str, int], rows: Sequence[str]) -> list[str]:
    """At most EACH of the set, one of each split before the rest."""
    first: dict[str, str] = {}
    for name in one.names:
        first.setdefault(rows[row_of[name]], name)
    rest = [name for name in one.names if name not in first.values()]
    return [*first.values(), *rest][:EACH]


def _show(cell: Axes, square: NDArray[np.uint8], title: str) -> None:
    """square: (side, side, channels) uint8."""
    shown = square if square.shape[-1] == 3 else square[..., 0]
    cell.imshow(shown, cmap="gray", vmin=0, vmax=255)
    cell.set_title(title, fontsize=7)


def _frame(cell: Axes) -> None:
    cell.set_axis_on()
    cell.set_xticks([])
    cell.set_yticks([])
    for spine in cell.spines.values():
        spine.set(edgecolor=LEAK, linewidth=3)


def _save(figure: Figure, target: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    atomic.write_bytes(target, content.getvalue())
