"""Crops, flips, turns, shears, enlargements and shifts: all of them one sampling of the square.

torchvision's functional.affine takes one matrix for a whole batch, so it is torch's own
affine_grid and grid_sample here, with a matrix for each picture. Sampled once, a picture is
blurred once, and where it is turned beyond its window there is more of it, not a black corner.
Knows nothing of chance (draws.py, affine.py).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from worker.data.affine import Matrices, sources
from worker.data.draws import Windows

SMALLEST = 0.25  # below it a picture is so small that what aliasing does is not worth 16 samples


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
    return _sampled(pixels, grid, finer, "border")


def moved(pixels: Tensor, windows: Windows, motion: Matrices, size: int, smallest: float) -> Tensor:
    """Each picture's window, resized, flipped and moved; beyond its edges the picture is mirrored.

    As `cropped`; smallest: factor by which `motion` makes pictures smaller at most.
    """
    side = pixels.shape[1]
    finer = max(1, round(side / size / min(1.0, max(smallest, SMALLEST))))
    theta = torch.from_numpy(sources(windows, motion, side)).to(pixels.device, non_blocking=True)
    shape = [len(pixels), pixels.shape[3], size * finer, size * finer]
    grid = functional.affine_grid(theta, shape, align_corners=False)
    return _sampled(pixels, grid, finer, "reflection")


def _sampled(pixels: Tensor, grid: Tensor, finer: int, beyond: str) -> Tensor:
    """grid: `finer` places along each side of a pixel; beyond: what is outside of the square."""
    images = pixels.permute(0, 3, 1, 2).float()
    sampled = functional.grid_sample(images, grid, padding_mode=beyond, align_corners=False)
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
    places = (starts + inside) * (2 / side) - 1
    ys, xs = torch.where(flips[:, :, None], places.flip(2), places).unbind(1)
    shape = (len(boxes), size, size)
    return torch.stack([xs[:, None, :].expand(shape), ys[:, :, None].expand(shape)], dim=-1)
