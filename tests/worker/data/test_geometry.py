from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, functional

from study.config.augmentation import AugmentationConfig
from tests.worker.data.pictures import smooth
from worker.data.affine import draw_affine, enlarged, shifted
from worker.data.augment import whole
from worker.data.draws import Span, Windows, draw_windows
from worker.data.geometry import cropped, moved


def pictures(side: int, count: int = 8) -> Tensor:
    return torch.stack(
        [torch.from_numpy(np.array(smooth(seed, side, side))) for seed in range(count)]
    )


@pytest.mark.parametrize(("side", "size"), [(48, 48), (32, 48), (64, 48), (96, 32), (100, 25)])
def test_windows_look_as_torchvision_makes_them(side: int, size: int) -> None:
    pixels = pictures(side)
    config = AugmentationConfig(crop_scale=(0.3, 1.0), vertical_flip=0.5)
    windows = draw_windows(config, Span(0, 0, 0, len(pixels)), side)
    found = cropped(pixels, windows, size)
    for picture, image, box, (upside_down, mirrored) in zip(
        pixels, found, windows.boxes.tolist(), windows.flips, strict=True
    ):
        wanted = functional.resized_crop(
            picture.permute(2, 0, 1).float(), *box, [size, size], antialias=True
        )
        if mirrored:
            wanted = functional.horizontal_flip(wanted)
        if upside_down:
            wanted = functional.vertical_flip(wanted)
        assert (image - wanted).abs().mean() < 0.6  # levels of 255
        assert (image - wanted).abs().max() < 12


def test_enlarged_windows_are_exactly_bilinear() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8))
    box = [3, 5, 20, 25]
    windows = Windows(np.array([box]), np.array([[False, False]]))
    wanted = functional.resized_crop(noise[0].permute(2, 0, 1).float(), *box, [32, 32])
    torch.testing.assert_close(cropped(noise, windows, 32)[0], wanted, atol=0.01, rtol=0)


def test_pictures_made_a_thousandth_of_their_size_cost_no_more_than_those_made_a_quarter() -> None:
    windows = Windows(np.array([[0, 0, 64, 64]] * 8), np.zeros((8, 2), np.bool_))
    smaller = enlarged(np.full(8, 0.001))  # a thousand samples a pixel and side would be 33 TB
    assert moved(pictures(64), windows, smaller, 64, 0.001).shape == (8, 3, 64, 64)


def test_a_whole_window_of_the_same_size_is_the_picture_itself() -> None:
    pixels = pictures(32)
    windows = Windows(np.array([[0, 0, 32, 32]] * 8), np.array([[False, False], [False, True]] * 4))
    found = cropped(pixels, windows, 32)
    original = pixels.permute(0, 3, 1, 2).float()
    torch.testing.assert_close(found[::2], original[::2], atol=0.01, rtol=0)
    torch.testing.assert_close(found[1::2], original[1::2].flip(3), atol=0.01, rtol=0)


def test_squares_much_larger_than_the_image_do_not_alias() -> None:
    stripes = torch.zeros(1, 96, 96, 3, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    windows = Windows(np.array([[0, 0, 96, 96]]), np.array([[False, False]]))
    assert (cropped(stripes, windows, 24) - 127.5).abs().max() < 25
    assert (whole(stripes, 24)[..., 2:-2] - 127.5).abs().max() < 8


SIZE = 32
AFFINE = AugmentationConfig(
    crop_scale=None, rotation=40, translate=0.2, scale=(0.7, 1.4), shear=20, horizontal_flip=0.0
)


def torchvisions(picture: Tensor, config: AugmentationConfig, numbers: list[float]) -> Tensor:
    """What torchvision makes of one picture (C, S, S); numbers: those drawn for it."""
    x, y, angle, factor, shear_x, shear_y = numbers
    low, high = config.scale
    return functional.affine(
        picture,
        angle=config.rotation * (2 * angle - 1),
        translate=[SIZE * config.translate * (2 * number - 1) for number in (x, y)],
        scale=low + (high - low) * factor,
        shear=[config.shear * (2 * number - 1) for number in (shear_x, shear_y)],
        interpolation=InterpolationMode.BILINEAR,
    )


def test_affine_motions_are_torchvisions_on_a_picture_that_is_mirrored_at_its_edges() -> None:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8))
    span = Span(1, 2, 3, 8)
    motion = draw_affine(AFFINE, span)
    assert motion is not None
    found = moved(pixels, draw_windows(AFFINE, span, 32), motion, 32, 1.0)
    for picture, image, numbers in zip(pixels, found, span.numbers("affine", 6), strict=True):
        wide = functional.pad(picture.permute(2, 0, 1).float(), [SIZE], padding_mode="symmetric")
        wanted = functional.center_crop(torchvisions(wide, AFFINE, numbers.tolist()), [SIZE])
        torch.testing.assert_close(image, wanted, atol=0.05, rtol=0)


def test_a_crop_a_flip_and_a_motion_are_one_sampling() -> None:
    pixels = pictures(SIZE)
    config = AFFINE.model_copy(update={"crop_scale": (0.3, 0.6), "horizontal_flip": 0.5})
    span = Span(0, 0, 0, len(pixels))
    windows, motion = draw_windows(config, span, SIZE), draw_affine(config, span)
    assert motion is not None
    found = moved(pixels, windows, motion, SIZE, 1.0)
    crops = cropped(pixels, windows, SIZE)
    for crop, image, numbers in zip(crops, found, span.numbers("affine", 6).tolist(), strict=True):
        known = torchvisions(torch.ones_like(crop), config, numbers) == 1  # not beyond the crop
        difference = (image - torchvisions(crop, config, numbers)).abs() * known
        assert known.float().mean() > 0.3
        assert difference.max() < 6  # levels of 255


def test_a_picture_made_smaller_does_not_alias() -> None:
    stripes = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    windows = Windows(np.array([[0, 0, 64, 64]]), np.array([[False, False]]))
    found = moved(stripes, windows, enlarged(np.array([0.5])), 64, 0.5)
    assert (found - 127.5).abs().max() < 25


def test_what_is_drawn_for_a_motion_lies_in_the_ranges() -> None:
    config = AugmentationConfig(translate=0.25)
    motion = draw_affine(config, Span(0, 0, 0, 10_000))
    assert motion is not None
    assert np.abs(motion[:, :2, 2]).max() <= 0.5
    assert np.abs(motion[:, :2, 2]).max() == pytest.approx(0.5, abs=0.001)
    np.testing.assert_array_equal(motion[:, :2, :2], np.tile(np.eye(2), (10_000, 1, 1)))


def test_pictures_move_right_and_down() -> None:
    pixels = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
    pixels[0, 2, 3] = 200
    windows = Windows(np.array([[0, 0, 8, 8]]), np.array([[False, False]]))
    found = moved(pixels, windows, shifted(np.array([0.25]), np.array([0.5])), 8, 1.0)
    assert found[0, 0, 6, 5].item() == pytest.approx(200, abs=0.01)


def test_without_ranges_nothing_moves() -> None:
    assert draw_affine(AugmentationConfig(), Span(0, 0, 0, 3)) is None
