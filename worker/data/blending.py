"""MixUp and CutMix: each picture with another of its batch, and their labels in the same shares.

    Zhang et al., mixup, https://arxiv.org/abs/1710.09412
    Yun et al., CutMix, https://arxiv.org/abs/1905.04899

torchvision's transforms draw one share for a whole batch; here each picture has its own. As there,
the other picture is the one before: the order of an epoch is random already. Knows nothing of the
loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from study.config.augmentation import AugmentationConfig
from worker.data.draws import Span
from worker.data.erasing import Boxes, inside


@dataclass(frozen=True)
class Blend:
    """How each picture of a batch meets the one before."""

    shares: NDArray[np.float32]
    """(B,): of the picture itself."""
    boxes: Boxes | None
    """What comes from the other, of no size where they are blended all over; None: all are."""


def draw_blend(config: AugmentationConfig, span: Span, size: int) -> Blend | None:
    """For pictures of `size` pixels; None where they stay by themselves."""
    if config.mixup_alpha == config.cutmix_alpha == 0.0:
        return None
    numbers = span.numbers("blend", 4)
    if config.cutmix_alpha == 0.0:
        return Blend(_beta(config.mixup_alpha, numbers[:, 0]).astype(np.float32), None)
    boxes = _boxes(_beta(config.cutmix_alpha, numbers[:, 0]), numbers[:, 2:], size)
    shares = 1 - boxes[:, 2] * boxes[:, 3] / size**2
    if config.mixup_alpha > 0.0:
        mixed = numbers[:, 1] < 0.5
        shares[mixed] = _beta(config.mixup_alpha, numbers[mixed, 0])
        boxes[mixed] = 0
    return Blend(shares.astype(np.float32), boxes)


def blended(
    images: Tensor, labels: Tensor, blend: Blend | None, n_classes: int
) -> tuple[Tensor, Tensor]:
    """images: (B, C, S, S); labels: (B,) int64. Returns blended images and the shares of classes,
    (B, n_classes) float32; or both as they are where there is nothing to blend."""
    if blend is None:
        return images, labels
    shares = torch.from_numpy(blend.shares).to(images.device, non_blocking=True)[:, None]
    weights = shares[:, :, None, None]
    if blend.boxes is not None:
        boxes = inside(blend.boxes, images.shape[-1], images.device)
        cut = torch.from_numpy(blend.boxes.any(axis=1)).to(images.device, non_blocking=True)
        weights = torch.where(cut[:, None, None, None], (~boxes).float(), weights)
    classes = functional.one_hot(labels, n_classes).float()
    return (
        torch.lerp(images.roll(1, 0), images, weights),
        torch.lerp(classes.roll(1, 0), classes, shares),
    )


def _beta(alpha: float, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Beta(alpha, alpha) by its inverse distribution: one number a draw, where numpy's own takes as
    many as it likes."""
    from scipy.special import betaincinv  # 0.1 s, for the few studies that blend

    shares: NDArray[np.float64] = betaincinv(alpha, alpha, numbers)
    return shares


def _boxes(shares: NDArray[np.float64], numbers: NDArray[np.float64], size: int) -> Boxes:
    """Squares of 1 - share of the picture around a random place, cut off at the picture's edges.

    numbers: (B, 2), for the place.
    """
    half = (np.sqrt(1 - shares) * size / 2)[:, None]
    middles = np.floor(numbers * size)  # (B, 2): y then x
    starts = np.clip(np.floor(middles - half), 0, size).astype(np.int64)
    ends = np.clip(np.floor(middles + half), 0, size).astype(np.int64)
    return np.concatenate([starts, ends - starts], axis=1)
