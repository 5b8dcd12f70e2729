"""Turns, shears, enlargements and shifts of pictures as matrices, and the one in which they end.

Coordinates are torch's: x to the right and y down, from -1 to 1 across a picture. Knows nothing of
pixels (geometry.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from study.config.augmentation import AugmentationConfig
from worker.data.draws import Span, Windows

Numbers = NDArray[np.float64]
"""(B,): one for each picture."""
Matrices = NDArray[np.float64]
"""(B, 3, 3): from a place (x, y, 1) to where it is moved."""


def draw_affine(config: AugmentationConfig, span: Span) -> Matrices | None:
    """As torchvision's RandomAffine: sheared, enlarged, turned, then shifted; None: nothing is."""
    if not (config.rotation or config.translate or config.shear or config.scale != (1.0, 1.0)):
        return None
    numbers = span.numbers("affine", 6)
    signed = 2 * numbers - 1
    low, high = config.scale
    return (
        shifted(config.translate * signed[:, 0], config.translate * signed[:, 1])
        @ turned(config.rotation * signed[:, 2])
        @ enlarged(low + (high - low) * numbers[:, 3])
        @ sheared(*np.tan(np.radians(config.shear * signed[:, 4:])).T)
    )


def turned(degrees: Numbers) -> Matrices:
    """Clockwise around the centre."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return _matrices([[cos, -sin, 0], [sin, cos, 0]])


def enlarged(factors: Numbers) -> Matrices:
    """From the centre."""
    return _matrices([[factors, 0, 0], [0, factors, 0]])


def sheared(x: Numbers, y: Numbers) -> Matrices:
    """Along x, then along y; x, y: tangents of the angles, with torchvision's signs."""
    return _matrices([[1 + 0 * x, -x, 0], [-y, 1 + x * y, 0]])


def shifted(x: Numbers, y: Numbers) -> Matrices:
    """x, y: as fractions of the side."""
    return _matrices([[1, 0, 2 * x], [0, 1, 2 * y]])


def sources(windows: Windows, moved: Matrices, side: int) -> NDArray[np.float32]:
    """Where the places of a moved, flipped, cropped picture come from in its packed square.

    moved: applied last. Returns (B, 2, 3), what torch's affine_grid takes.
    """
    starts, lengths = windows.boxes[:, :2], windows.boxes[:, 2:]  # (B, 2): y then x
    middles = (2 * starts + lengths) / side - 1
    scales = lengths / side * np.where(windows.flips, -1, 1)
    cut = _matrices([[scales[:, 1], 0, middles[:, 1]], [0, scales[:, 0], middles[:, 0]]])
    return (cut @ np.linalg.inv(moved))[:, :2].astype(np.float32)


def _matrices(rows: list[list[Numbers | int]]) -> Matrices:
    """The first two rows; the third is 0, 0, 1."""
    entries = np.broadcast_arrays(*rows[0], *rows[1], 0, 0, 1)
    return np.stack(entries, axis=-1).reshape(-1, 3, 3).astype(np.float64)
