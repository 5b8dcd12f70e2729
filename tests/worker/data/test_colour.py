from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import functional

from study.config.augmentation import AugmentationConfig
from tests.worker.data.pictures import smooth
from worker.data.colour import OPERATIONS, Change, changed
from worker.data.draws import Span
from worker.data.jitter import draw_jitter

TORCHVISIONS: dict[str, tuple[Callable[..., Tensor], list[float]]] = {
    "brightness": (functional.adjust_brightness, [0.0, 0.5, 1.0, 1.6]),
    "contrast": (functional.adjust_contrast, [0.0, 0.5, 1.0, 1.6]),
    "saturation": (functional.adjust_saturation, [0.0, 0.5, 1.0, 1.6]),
    "hue": (functional.adjust_hue, [-0.5, -0.2, 0.0, 0.4]),
    "sharpness": (functional.adjust_sharpness, [0.0, 0.5, 1.0, 1.9]),
    "posterise": (functional.posterize, [8, 5, 3, 2]),
    "solarise": (functional.solarize, [0.0, 0.3, 0.7, 1.0]),
    "autocontrast": (functional.autocontrast, []),
    "equalise": (functional.equalize, []),
}

LIMITS = {"hue": (-0.5, 0.5), "solarise": (0.0, 1.0), "posterise": (1.0, 8.0)}
"""Weakest and strongest, where it is no factor."""


def noise(count: int = 4, side: int = 16, channels: int = 3) -> Tensor:
    """(count, channels, side, side) uint8; the first is of one colour."""
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.integers(0, 256, (count, channels, side, side), np.uint8))
    pixels[0] = pixels[0, :, :1, :1]
    return pixels


def done(operation: str, images: Tensor, strengths: list[float]) -> Tensor:
    rows = np.arange(len(images))
    return changed(images.clone(), [Change(operation, rows, np.array(strengths, float))])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_picture_is_changed_as_torchvision_does_it(operation: str, channels: int) -> None:
    theirs, strengths = TORCHVISIONS[operation]
    pixels = noise(channels=channels)
    found = done(operation, pixels.float(), strengths or [0.0] * 4)
    for number, (picture, image) in enumerate(zip(pixels, found, strict=True)):
        arguments: list[Any] = strengths[number : number + 1]
        if operation in ("equalise", "posterise"):  # on whole levels
            wanted = theirs(picture, *map(int, arguments)).float()
        else:
            wanted = 255 * theirs(picture.float() / 255, *arguments)
        torch.testing.assert_close(image, wanted, atol=0.02, rtol=0)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_the_pictures_named_are_changed(operation: str) -> None:
    images = noise(6).float()
    strength = 3.0 if operation == "posterise" else 0.4
    found = changed(images.clone(), [Change(operation, np.array([1, 4]), np.full(2, strength))])
    assert torch.equal(found[[0, 2, 3, 5]], images[[0, 2, 3, 5]])
    assert torch.equal(found[[1, 4]], done(operation, images[[1, 4]], [strength, strength]))
    assert not torch.equal(found[1], images[1])


@given(st.sampled_from(sorted(OPERATIONS)), st.floats(0.0, 1.0), st.integers(0, 100))
def test_levels_stay_between_black_and_white(operation: str, part: float, seed: int) -> None:
    low, high = LIMITS.get(operation, (0.0, 2.0))
    strength = low + part * (high - low)
    picture = torch.from_numpy(np.array(smooth(seed, 12, 12))).permute(2, 0, 1)[None].float()
    found = done(operation, picture, [strength])
    assert found.isfinite().all()
    assert found.min() >= -1e-3
    assert found.max() <= 255 + 1e-3


def test_changes_are_done_in_the_order_they_come_in() -> None:
    images = noise().float()
    rows = np.arange(4)
    darker = Change("brightness", rows, np.full(4, 0.5))
    inverted = Change("solarise", rows, np.zeros(4))
    torch.testing.assert_close(changed(images.clone(), [darker, inverted]), 255 - images / 2)
    torch.testing.assert_close(changed(images.clone(), [inverted, darker]), (255 - images) / 2)


def test_jitter_draws_a_factor_for_each_picture_inside_its_range() -> None:
    config = AugmentationConfig(brightness=0.4, saturation=0.2, hue=0.1, equalise=0.3)
    drawn = {change.operation: change for change in draw_jitter(config, Span(0, 0, 0, 5000))}
    assert list(drawn) == ["brightness", "saturation", "hue", "equalise"]
    for operation, low, high in (
        ("brightness", 0.6, 1.4),
        ("saturation", 0.8, 1.2),
        ("hue", -0.1, 0.1),
    ):
        strengths = drawn[operation].strengths
        assert low <= strengths.min() < low + 0.001
        assert high - 0.001 < strengths.max() <= high
    assert len(drawn["equalise"].rows) / 5000 == pytest.approx(0.3, abs=0.02)


def test_nothing_is_jittered_that_has_no_range() -> None:
    assert list(draw_jitter(AugmentationConfig(), Span(0, 0, 0, 100))) == []
