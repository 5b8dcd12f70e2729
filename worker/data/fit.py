"""How a picture of any shape becomes a square: geometry alone, shared by every decoder.

Knows nothing of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class Placement:
    """Cut `box` out of the picture, resize it to `size`, put it at `offset` on a black square."""

    box: tuple[int, int, int, int]
    """left, top, right, bottom in the picture, pixels."""
    size: tuple[int, int]
    """width, height in the square, pixels."""
    offset: tuple[int, int]
    """left, top in the square, pixels."""


def place(width: int, height: int, side: int, fit: Fit) -> Placement:
    """Fits a picture into a square of `side` pixels.

    crop: the middle of the long side is kept; pad: black bars complete the short side; stretch:
    the proportions are given up.
    """
    if fit == "crop":
        short = min(width, height)
        left, top = (width - short) // 2, (height - short) // 2
        return Placement((left, top, left + short, top + short), (side, side), (0, 0))
    box = (0, 0, width, height)
    if fit == "stretch":
        return Placement(box, (side, side), (0, 0))
    long = max(width, height)
    size = (max(1, round(width * side / long)), max(1, round(height * side / long)))
    return Placement(box, size, ((side - size[0]) // 2, (side - size[1]) // 2))
