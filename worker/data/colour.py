"""Changes of colour in batch, each picture by a strength of its own.

torchvision's transforms v2 take one strength for a whole batch, and floats in [0, 1]; so only what
has no strength is theirs here (grey, equalize, autocontrast), and the rest is their formulas with a
strength for each picture. Knows nothing of chance (jitter.py, policies.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torchvision.transforms.v2 import functional

WHITE = 255.0  # levels; all images here are in [0, WHITE]


@dataclass(frozen=True)
class Change:
    """One operation on some pictures of a batch."""

    operation: str
    """A name of OPERATIONS."""
    rows: NDArray[np.int64]
    """(n,): the pictures, in ascending order."""
    strengths: NDArray[np.float64]
    """(n,): of each; what they mean is said by the operation."""


def changed(images: Tensor, changes: Iterable[Change]) -> Tensor:
    """The changes, one after the other.

    images: (B, C, S, S) float32 in [0, 255], which is overwritten; returns the same.
    """
    for change in changes:
        operation = OPERATIONS[change.operation]
        strengths = torch.from_numpy(change.strengths).to(images.device, images.dtype)
        strengths = strengths.view(-1, 1, 1, 1)
        if len(change.rows) == len(images):
            images = operation(images, strengths)
        else:
            rows = torch.from_numpy(change.rows).to(images.device)
            images[rows] = operation(images[rows], strengths)
    return images


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """0: black; 1: as it is."""
    return images.mul_(factors).clamp_(0, WHITE)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """0: the picture's mean grey everywhere; 1: as it is."""
    means = functional.rgb_to_grayscale(images).mean(dim=(1, 2, 3), keepdim=True)
    return _away(means, images, factors)


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    """0: grey; 1: as it is."""
    return _away(functional.rgb_to_grayscale(images), images, factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """0: blurred over 3x3 pixels, of which the middle one counts five times; 1: as it is.

    The outermost pixels stay.
    """
    blurred = images.clone()
    inner = images[..., 1:-1, 1:-1]
    blurred[..., 1:-1, 1:-1] = avg_pool2d(images, 3, stride=1) * (9 / 13) + inner * (4 / 13)
    return _away(blurred, images, factors)


def hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turns the colours: 1 is a full turn. Grey pictures stay as they are.

    The brightest and the darkest level of a pixel stay: of HSV only the hue is computed, which
    takes a third of torchvision's time.
    """
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(dim=1)
    high = torch.maximum(torch.maximum(red, green), blue)
    spread = high - torch.minimum(torch.minimum(red, green), blue)
    other = torch.where(high == green, blue - red + 2 * spread, red - green + 4 * spread)
    sixths = torch.where(high == red, green - blue, other).div_(spread.clamp(min=1e-6))
    sixths.add_(6 * turns[:, 0]).remainder_(6)
    # of each channel, the part of the spread it stays below the brightest
    below = torch.stack([2 - (sixths - 3).abs_(), *((sixths - n).abs_() - 1 for n in (2, 4))], 1)
    return below.clamp_(0, 1).mul_(-spread[:, None]).add_(high[:, None])


def posterise(images: Tensor, bits: Tensor) -> Tensor:
    """Keeps the highest bits of the levels; 8: as it is, to whole levels."""
    steps = 2 ** (8 - bits)
    return images.div_(steps).floor_().mul_(steps)


def solarise(images: Tensor, thresholds: Tensor) -> Tensor:
    """Inverts levels from the threshold on, a fraction of white."""
    return torch.where(images >= WHITE * thresholds, WHITE - images, images)


def autocontrast(images: Tensor, _: Tensor) -> Tensor:
    """Stretches each channel from black to white."""
    stretched: Tensor = functional.autocontrast(images / WHITE)
    return stretched * WHITE


def equalise(images: Tensor, _: Tensor) -> Tensor:
    """Makes the histogram of each channel flat."""
    flat: Tensor = functional.equalize(images.round().to(torch.uint8))
    return flat.to(images.dtype)


def _away(zero: Tensor, images: Tensor, factors: Tensor) -> Tensor:
    """From what factor 0 gives towards the pictures, or beyond."""
    return torch.lerp(zero, images, factors).clamp_(0, WHITE)


OPERATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    operation.__name__: operation
    for operation in (
        *(brightness, contrast, saturation, hue, sharpness),
        *(posterise, solarise, autocontrast, equalise),
    )
}
"""By name; each may overwrite the images it is given."""
