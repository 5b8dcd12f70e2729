"""Packed squares to model input, on whichever device they are on.

One implementation for every loader and every device, so that all give the same pictures. Knows
nothing of where squares come from; what chance does to them is drawn by position (draws.py) and
done in batch, by a file for each kind of change.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from study.config.augmentation import AugmentationConfig
from worker.data.affine import draw_affine
from worker.data.blending import blended, draw_blend
from worker.data.colour import changed
from worker.data.draws import Span, draw_windows
from worker.data.erasing import draw_erasing, erased
from worker.data.geometry import cropped, moved
from worker.data.jitter import draw_jitter
from worker.data.policies import Drawn, draw_policy


class Normaliser:
    """(x / 255 - mean) / std per channel, as one multiply-add."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device) -> None:
        """mean, std: per channel, in [0, 1]."""
        means = torch.tensor(mean, dtype=torch.float64)
        deviations = torch.tensor(std, dtype=torch.float64)
        self.mean = (255 * means).float().view(1, -1, 1, 1).to(device)
        """(1, C, 1, 1) float32, levels of 255."""
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


class Augmenter:
    """Training squares to model input, as a study asks; has no state."""

    def __init__(
        self,
        config: AugmentationConfig,
        *,
        seed: int,
        size: int,
        n_classes: int,
        normalise: Normaliser,
    ) -> None:
        """size: of the model's input, pixels."""
        self._config = config
        self._seed = seed
        self._size = size
        self._n_classes = n_classes
        self._normalise = normalise

    def __call__(
        self, pixels: Tensor, labels: Tensor, epoch: int, start: int
    ) -> tuple[Tensor, Tensor]:
        """The batch at positions from `start` on of an epoch.

        pixels: (B, P, P, C) uint8; labels: (B,) int64. Returns images (B, C, size, size) float32,
        normalised, channels_last; and the labels, or where pictures are blended the shares of all
        classes, (B, n_classes) float32.
        """
        config, size = self._config, self._size
        if not config.enabled:
            return self._normalise(whole(pixels, size)), labels
        span = Span(self._seed, epoch, start, len(pixels))
        policy = draw_policy(config, span)
        images = self._sampled(pixels, span, policy)
        changes = (*(policy.changes if policy else ()), *draw_jitter(config, span))
        images = changed(images, changes)
        images = erased(images, draw_erasing(config, span, size), self._normalise.mean)
        images, labels = blended(images, labels, draw_blend(config, span, size), self._n_classes)
        return self._normalise(images), labels

    def _sampled(self, pixels: Tensor, span: Span, policy: Drawn | None) -> Tensor:
        """Cropped and, where anything is, moved."""
        windows = draw_windows(self._config, span, pixels.shape[1])
        motion = draw_affine(self._config, span)
        if policy is not None:
            motion = policy.motion if motion is None else policy.motion @ motion
        if motion is None:
            return cropped(pixels, windows, self._size)
        return moved(pixels, windows, motion, self._size, self._config.scale[0])
