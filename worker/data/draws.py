"""What chance decides: the order of an epoch and the window and flips of each picture.

Counter-based (Philox): every position of every epoch has random numbers of its own, so any batch
can be drawn without drawing those before it; each purpose has a stream of its own, so what is
switched on changes nothing else. Knows nothing of pixels and of torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.config.augmentation import AugmentationConfig

ATTEMPTS = 10  # windows tried for a picture, as torchvision's RandomResizedCrop does
WIDTH = 2 * ATTEMPTS + 4  # numbers for each picture: two an attempt, two for place, two for flips


@dataclass(frozen=True)
class Span:
    """Positions [start, start + count) of an epoch."""

    seed: int
    epoch: int
    start: int
    count: int

    def numbers(self, purpose: str, width: int) -> NDArray[np.float64]:
        """(count, width) in [0, 1): the numbers of these positions for a purpose."""
        steps = -(-width // 4)  # of the counter for each position; a step gives four numbers
        key = _key(purpose, self.seed, self.epoch)
        generator = np.random.Generator(np.random.Philox(key=key, counter=steps * self.start))
        return generator.random((self.count, 4 * steps))[:, :width]


@dataclass(frozen=True)
class Windows:
    """What becomes of each picture of a batch."""

    boxes: NDArray[np.int64]
    """(B, 4): top, left, height, width in the packed square, pixels."""
    flips: NDArray[np.bool_]
    """(B, 2): mirrored top to bottom, left to right, after the crop."""


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


def draw_windows(config: AugmentationConfig, span: Span, side: int) -> Windows:
    """Windows of the pictures at these positions.

    side: of the packed square, pixels. The distribution is that of torchvision's
    RandomResizedCrop: area uniform in crop_scale, ratio log-uniform in crop_ratio, redrawn where
    the window would not fit, the whole picture after ten attempts.
    """
    numbers = span.numbers("window", WIDTH)
    flips = numbers[:, -2:] < (config.vertical_flip, config.horizontal_flip)
    if config.crop_scale is None:
        whole = np.tile(np.array([0, 0, side, side], np.int64), (span.count, 1))
        return Windows(whole, flips)
    sizes, fitting = draw_sizes(config.crop_scale, config.crop_ratio, numbers, side)
    sizes[~fitting] = side
    places = (numbers[:, 2 * ATTEMPTS : 2 * ATTEMPTS + 2] * (side - sizes + 1)).astype(np.int64)
    return Windows(np.concatenate([places, sizes], axis=1), flips)


def draw_sizes(
    scale: tuple[float, float],
    ratio: tuple[float, float],
    numbers: NDArray[np.float64],
    side: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Heights and widths, (B, 2), of every picture's first attempt that fits; and whether one did.

    scale: of the area, as fractions of the square; ratio: of width to height. numbers: (B, at least
    2 * ATTEMPTS) in [0, 1).
    """
    areas = (scale[0] + numbers[:, :ATTEMPTS] * (scale[1] - scale[0])) * side * side
    low, high = np.log(ratio)
    ratios = np.exp(low + numbers[:, ATTEMPTS : 2 * ATTEMPTS] * (high - low))
    heights = np.rint(np.sqrt(areas / ratios)).astype(np.int64)
    widths = np.rint(np.sqrt(areas * ratios)).astype(np.int64)
    fits = (np.minimum(heights, widths) > 0) & (np.maximum(heights, widths) <= side)
    rows, first = np.arange(len(numbers)), fits.argmax(axis=1)
    sizes = np.stack([heights[rows, first], widths[rows, first]], axis=1)
    return sizes, fits[rows, first]


def _key(purpose: str, seed: int, epoch: int) -> NDArray[np.uint64]:
    """128 bits, so that neighbouring seeds and epochs have nothing in common."""
    digest = hashlib.blake2b(f"{purpose}/{seed}/{epoch}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, "<u8")
