"""Random erasing: a rectangle of some pictures is painted over.

    Zhong et al., Random Erasing Data Augmentation, https://arxiv.org/abs/1708.04896

torchvision's RandomErasing takes one rectangle for a whole batch. Knows nothing of labels.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from study.config.augmentation import AugmentationConfig
from worker.data.draws import ATTEMPTS, Span, draw_sizes

RATIO = (0.3, 3.3)  # of width to height, as torchvision has it

Boxes = NDArray[np.int64]
"""(B, 4): top, left, height, width, pixels; of no height and width where there is none."""


def draw_erasing(config: AugmentationConfig, span: Span, size: int) -> Boxes | None:
    """Rectangles in pictures of `size` pixels; None where nothing is ever erased."""
    if config.erasing == 0.0:
        return None
    numbers = span.numbers("erasing", 2 * ATTEMPTS + 3)
    sizes, fitting = draw_sizes(config.erasing_scale, RATIO, numbers, size)
    sizes[~fitting | (numbers[:, -1] >= config.erasing)] = 0
    places = (numbers[:, 2 * ATTEMPTS : 2 * ATTEMPTS + 2] * (size - sizes + 1)).astype(np.int64)
    return np.concatenate([places, sizes], axis=1)


def erased(images: Tensor, boxes: Boxes | None, colour: Tensor) -> Tensor:
    """images: (B, C, S, S); colour: (1, C, 1, 1), what the boxes are painted with."""
    if boxes is None:
        return images
    return torch.where(inside(boxes, images.shape[-1], images.device), colour, images)


def inside(boxes: Boxes, size: int, device: torch.device) -> Tensor:
    """Which pixels lie in each picture's box: (B, 1, size, size) bool."""
    put = torch.from_numpy(boxes).to(device, non_blocking=True)[:, :, None]
    places = torch.arange(size, device=device)
    starts, ends = put[:, :2], put[:, :2] + put[:, 2:]  # (B, 2, 1): y then x
    ys, xs = ((places >= starts) & (places < ends)).unbind(1)  # (B, size)
    return (ys[:, :, None] & xs[:, None, :])[:, None]
