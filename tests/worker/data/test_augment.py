from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from study.config.augmentation import AugmentationConfig
from tests.worker.data.pictures import smooth
from worker.data.augment import cropped, whole
from worker.data.draws import Windows, draw_windows


def pictures(side: int, count: int = 8) -> Tensor:
    return torch.stack(
        [torch.from_numpy(np.array(smooth(seed, side, side))) for seed in range(count)]
    )


@pytest.mark.parametrize(("side", "size"), [(48, 48), (32, 48), (64, 48), (96, 32), (100, 25)])
def test_windows_look_as_torchvision_makes_them(side: int, size: int) -> None:
    pixels = pictures(side)
    windows = draw_windows(AugmentationConfig(crop_scale=(0.3, 1.0)), 0, 0, 0, len(pixels), side)
    found = cropped(pixels, windows, size)
    for picture, image, box, flip in zip(
        pixels, found, windows.boxes.tolist(), windows.flips, strict=True
    ):
        wanted = functional.resized_crop(
            picture.permute(2, 0, 1).float(), *box, [size, size], antialias=True
        )
        if flip:
            wanted = functional.horizontal_flip(wanted)
        assert (image - wanted).abs().mean() < 0.6  # levels of 255
        assert (image - wanted).abs().max() < 12


def test_enlarged_windows_are_exactly_bilinear() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8))
    box = [3, 5, 20, 25]
    windows = Windows(np.array([box]), np.array([False]))
    wanted = functional.resized_crop(noise[0].permute(2, 0, 1).float(), *box, [32, 32])
    torch.testing.assert_close(cropped(noise, windows, 32)[0], wanted, atol=0.01, rtol=0)


def test_a_whole_window_of_the_same_size_is_the_picture_itself() -> None:
    pixels = pictures(32)
    windows = Windows(np.array([[0, 0, 32, 32]] * 8), np.array([False, True] * 4))
    found = cropped(pixels, windows, 32)
    original = pixels.permute(0, 3, 1, 2).float()
    torch.testing.assert_close(found[::2], original[::2], atol=0.01, rtol=0)
    torch.testing.assert_close(found[1::2], original[1::2].flip(3), atol=0.01, rtol=0)


def test_squares_much_larger_than_the_image_do_not_alias() -> None:
    stripes = torch.zeros(1, 96, 96, 3, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    windows = Windows(np.array([[0, 0, 96, 96]]), np.array([False]))
    assert (cropped(stripes, windows, 24) - 127.5).abs().max() < 25
    assert (whole(stripes, 24)[..., 2:-2] - 127.5).abs().max() < 8


def test_whole_pictures_of_the_same_size_are_untouched() -> None:
    pixels = pictures(32)
    assert torch.equal(whole(pixels, 32), pixels.permute(0, 3, 1, 2).float())
