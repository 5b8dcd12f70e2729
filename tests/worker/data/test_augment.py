from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from study.config.augmentation import AugmentationConfig
from tests.worker.data.augmentations import EVERYTHING
from tests.worker.data.pictures import smooth
from worker.data.augment import Augmenter, Normaliser, whole

ONE_BY_ONE: list[dict[str, Any]] = [
    *({name: value} for name, value in EVERYTHING.items()),
    {"policy": "trivialaugment"},
]
LABELS = torch.arange(8) % 3


def pictures(channels: int = 3) -> Tensor:
    """(8, 24, 24, channels) uint8."""
    pixels = np.stack([np.array(smooth(seed, 24, 24)) for seed in range(8)])
    return torch.from_numpy(pixels[..., :channels].copy())


def augmented(
    augmentation: dict[str, Any], *, pixels: Tensor | None = None, epoch: int = 1, start: int = 16
) -> tuple[Tensor, Tensor]:
    pixels = pictures() if pixels is None else pixels
    channels = pixels.shape[-1]
    augmenter = Augmenter(
        AugmentationConfig.model_validate(augmentation),
        seed=5,
        size=24,
        n_classes=3,
        normalise=Normaliser([0.5] * channels, [0.25] * channels, torch.device("cpu")),
    )
    return augmenter(pixels, LABELS, epoch, start)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("augmentation", [*ONE_BY_ONE, EVERYTHING, {}], ids=str)
def test_every_augmentation_gives_what_a_model_takes(
    augmentation: dict[str, Any], channels: int
) -> None:
    pixels = pictures(channels)
    before = pixels.clone()
    images, labels = augmented(augmentation, pixels=pixels)
    assert images.shape == (8, channels, 24, 24)
    assert images.dtype == torch.float32
    assert images.isfinite().all()
    assert images.abs().max() <= 2 + 1e-3  # black and white, normalised
    assert images.is_contiguous(memory_format=torch.channels_last)
    blends = "mixup_alpha" in augmentation or "cutmix_alpha" in augmentation
    assert labels.shape == ((8, 3) if blends else (8,))
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("augmentation", ONE_BY_ONE, ids=str)
def test_every_augmentation_changes_pictures_and_repeats_exactly(
    augmentation: dict[str, Any],
) -> None:
    plain, _ = augmented({})
    images, labels = augmented(augmentation)
    again, same_labels = augmented(augmentation)
    assert torch.equal(images, again)
    assert torch.equal(labels, same_labels)
    assert not torch.equal(images, plain)
    other, _ = augmented(augmentation, epoch=2)
    assert not torch.equal(images, other)


def test_switched_off_pictures_are_whole_whatever_else_is_said() -> None:
    images, labels = augmented({**EVERYTHING, "enabled": False})
    pixels = pictures().permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(images, (pixels - 0.5) / 0.25)
    assert torch.equal(labels, LABELS)


def test_what_is_switched_on_does_not_change_what_else_is_drawn() -> None:
    plain, _ = augmented({})
    erased, _ = augmented({"erasing": 1.0})
    painted = erased.abs() < 1e-6  # normalised, the mean colour is 0
    assert painted.any(dim=(1, 2, 3)).all()
    assert torch.equal(erased[~painted], plain[~painted])


def test_whole_pictures_of_the_same_size_are_untouched() -> None:
    pixels = pictures()
    assert torch.equal(whole(pixels, 24), pixels.permute(0, 3, 1, 2).float())
