"""What every figure has in common: pictures without axes, and files that appear whole.

Figures are made without pyplot, so that nothing looks for a screen. Knows nothing of what is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from study import atomic

DPI = 110  # pixels of a figure's inch


def save(figure: Figure, file: Path) -> Path:
    """Writes a PNG; gives its name. Raises OSError."""
    with atomic.replacing(file) as target:
        figure.savefig(target, format="png", dpi=DPI)
    return file


def show(place: Axes, image: NDArray[Any], title: str = "") -> None:
    """An image (H, W), (H, W, 1) or (H, W, 3): uint8, or float in [0, 1]; a map of one channel in
    any range."""
    flat = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    if image.dtype == "uint8":
        place.imshow(flat, cmap="gray", vmin=0, vmax=255)
    else:
        place.imshow(flat, cmap="gray" if image.ndim == 3 else "viridis")
    place.axis("off")
    place.set_title(title, fontsize=8)
