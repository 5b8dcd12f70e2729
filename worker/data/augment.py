"""Packed squares to model input: crop, resize, flip, normalise, on whichever device they are on.

One implementation for every loader and every device, so that all give the same pictures. Knows
nothing of where squares come from and of chance (draws.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from worker.data.draws import Windows


class Normaliser:
    """(x / 255 - mean) / std per channel, as one multiply-add."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        """mean, std: per channel, in [0, 1]."""
        means = torch.tensor(mean, dtype=torch.float64)
        deviations = torch.tensor(std, dtype=torch.float64)
        self._scale = (1 / (255 * deviations)).float().view(1, -1, 1, 1).to(device)
        self._offset = (-means / deviations).float().view(1, -1, 1, 1).to(device)

    def __call__(self, images: Tensor) -> Tensor:
        """images: (B, C, S, S) float32 in [0, 255]; returns a new channels_last tensor."""
        out = torch.empty_like(images, memory_format=torch.channels_last)
        return torch.addcmul(self._offset, images, self._scale, out=out)


def whole(pixels: Tensor, size: int) -> Tensor:
    """Whole pictures, resized with antialiasing where they are packed in another size.

    pixels: (B, P, P, C) uint8; returns (B, C, size, size) float32 in [0, 255].
    """
    images = pixels.permute(0, 3, 1, 2).float()
    if pixels.shape[1] == size:
        return images
    return functional.interpolate(images, (size, size), mode="bilinear", antialias=True)


def cropped(pixels: Tensor, windows: Windows, size: int) -> Tensor:
    """Each picture's window, resized and flipped.

    pixels: (B, P, P, C) uint8; returns (B, C, size, size) float32 in [0, 255]. All pictures are
    sampled by one call: on a CPU it is twice as fast as cropping and resizing one by one. Windows
    are mostly enlarged, where bilinear sampling is exact; squares packed larger than `size` are
    sampled several times a pixel and averaged, which keeps aliasing away.
    """
    side = pixels.shape[1]
    finer = max(1, round(side / size))
    grid = _grid(windows, side, size * finer, pixels.device)
    images = pixels.permute(0, 3, 1, 2).float()
    sampled = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return sampled if finer == 1 else functional.avg_pool2d(sampled, finer)


def _grid(windows: Windows, side: int, size: int, device: torch.device) -> Tensor:
    """Where each output pixel is sampled: (B, size, size, 2) float32, x and y in [-1, 1].

    Clamped to the centres of the window's outermost pixels: nothing outside of it is looked at.
    """
    boxes = torch.from_numpy(windows.boxes).to(device, torch.float32, non_blocking=True)
    flips = torch.from_numpy(windows.flips).to(device, non_blocking=True)
    centres = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size
    starts, lengths = boxes[:, :2, None], boxes[:, 2:, None]  # (B, 2, 1): y then x
    inside = (centres * lengths).clamp(min=0.5).minimum(lengths - 0.5)  # (B, 2, size)
    ys, xs = ((starts + inside) * (2 / side) - 1).unbind(1)
    xs = torch.where(flips[:, None], xs.flip(1), xs)
    shape = (len(boxes), size, size)
    return torch.stack([xs[:, None, :].expand(shape), ys[:, :, None].expand(shape)], dim=-1)
