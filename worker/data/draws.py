"""What chance decides: the order of an epoch and the window and flip of each picture.

Counter-based (Philox): every position of every epoch has random numbers of its own, so any batch
can be drawn without drawing those before it. Knows nothing of pixels and of torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.config.augmentation import AugmentationConfig

ATTEMPTS = 10  # windows tried for a picture, as torchvision's RandomResizedCrop does
STEPS = 6  # of the counter for each picture; a step gives four numbers
WIDTH = 4 * STEPS  # numbers for each picture: two an attempt, two for the place, one for the flip


@dataclass(frozen=True)
class Windows:
    """What becomes of each picture of a batch."""

    boxes: NDArray[np.int64]
    """(B, 4): top, left, height, width in the packed square, pixels."""
    flips: NDArray[np.bool_]
    """(B,): mirrored left to right after the crop."""


def draw_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """A permutation of range(count)."""
    generator = np.random.Generator(np.random.Philox(key=_key("order", seed, epoch)))
    return generator.permutation(count).astype(np.int64, copy=False)


def draw_balanced_order(seed: int, epoch: int, labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """As many positions as there are labels, in which every class comes equally often.

    Where that does not come out even, chance says which classes come once more. A class's pictures
    take turns: none comes a second time before all have come once.
    """
    generator = np.random.Generator(np.random.Philox(key=_key("balanced", seed, epoch)))
    classes = generator.permutation(np.unique(labels))
    drawn = []
    for number, label in enumerate(classes):
        wanted = (len(labels) + number) // len(classes)
        members = np.flatnonzero(labels == label)
        turns = -(-wanted // len(members))
        drawn.append(
            np.concatenate([generator.permutation(members) for _ in range(turns)])[:wanted]
        )
    return generator.permutation(np.concatenate(drawn)).astype(np.int64, copy=False)


def draw_windows(
    config: AugmentationConfig, seed: int, epoch: int, start: int, count: int, side: int
) -> Windows:
    """Windows of the pictures at positions [start, start + count) of an epoch.

    side: of the packed square, pixels. The distribution is that of torchvision's
    RandomResizedCrop: area uniform in crop_scale, ratio log-uniform in crop_ratio, redrawn where
    the window would not fit, the whole picture after ten attempts.
    """
    philox = np.random.Philox(key=_key("window", seed, epoch), counter=STEPS * start)
    numbers = np.random.Generator(philox).random((count, WIDTH))
    flips = numbers[:, -1] < config.horizontal_flip
    if config.crop_scale is None:
        whole = np.tile(np.array([0, 0, side, side], np.int64), (count, 1))
        return Windows(whole, flips)
    heights, widths = _sizes(config, config.crop_scale, numbers, side)
    tops = (numbers[:, 2 * ATTEMPTS] * (side - heights + 1)).astype(np.int64)
    lefts = (numbers[:, 2 * ATTEMPTS + 1] * (side - widths + 1)).astype(np.int64)
    return Windows(np.stack([tops, lefts, heights, widths], axis=1), flips)


def _sizes(
    config: AugmentationConfig,
    scale: tuple[float, float],
    numbers: NDArray[np.float64],
    side: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Heights and widths, (B,) each: of every picture's first attempt that fits."""
    areas = (scale[0] + numbers[:, :ATTEMPTS] * (scale[1] - scale[0])) * side * side
    low, high = np.log(config.crop_ratio)
    ratios = np.exp(low + numbers[:, ATTEMPTS : 2 * ATTEMPTS] * (high - low))
    widths = np.rint(np.sqrt(areas * ratios)).astype(np.int64)
    heights = np.rint(np.sqrt(areas / ratios)).astype(np.int64)
    fits = (widths > 0) & (widths <= side) & (heights > 0) & (heights <= side)
    rows, first = np.arange(len(numbers)), fits.argmax(axis=1)
    fitting = fits.any(axis=1)
    return (
        np.where(fitting, heights[rows, first], side),
        np.where(fitting, widths[rows, first], side),
    )


def _key(purpose: str, seed: int, epoch: int) -> NDArray[np.uint64]:
    """128 bits, so that neighbouring seeds and epochs have nothing in common."""
    digest = hashlib.blake2b(f"{purpose}/{seed}/{epoch}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, "<u8")
