from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional

from study.config.augmentation import AugmentationConfig
from worker.data.draws import Span
from worker.data.erasing import draw_erasing, erased


def boxes(config: AugmentationConfig, span: Span, size: int) -> np.ndarray:
    found = draw_erasing(config, span, size)
    assert found is not None
    return found


def test_a_picture_is_erased_as_torchvision_does_it() -> None:
    images = torch.randn(6, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    found_boxes = boxes(AugmentationConfig(erasing=0.7), Span(0, 0, 0, 6), 20)
    colour = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    found = erased(images, found_boxes, colour)
    assert {0} < set(found_boxes[:, 2].tolist())  # some are erased, some are not
    for image, picture, box in zip(found, images, found_boxes.tolist(), strict=True):
        wanted = functional.erase(picture, *box, colour[0])
        assert torch.equal(image, wanted)


@given(
    st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)),
    st.integers(1, 64),
    st.integers(0, 40),
    st.integers(1, 20),
)
def test_rectangles_lie_inside_and_do_not_depend_on_those_before(
    scale: tuple[float, float], size: int, start: int, count: int
) -> None:
    config = AugmentationConfig(erasing=0.5, erasing_scale=(min(scale), max(scale)))
    every = boxes(config, Span(3, 2, 0, 60), size)
    assert (every >= 0).all()
    assert (every[:, :2] + every[:, 2:] <= size).all()
    part = boxes(config, Span(3, 2, start, count), size)
    np.testing.assert_array_equal(part, every[start : start + count])


def test_as_many_pictures_are_erased_by_as_much_as_asked_for() -> None:
    found = boxes(
        AugmentationConfig(erasing=0.25, erasing_scale=(0.1, 0.3)), Span(0, 0, 0, 20_000), 500
    )
    areas = found[:, 2] * found[:, 3] / 500**2
    assert (areas > 0).mean() == pytest.approx(0.25, abs=0.01)
    assert areas[areas > 0].min() == pytest.approx(0.1, abs=0.001)
    assert areas.max() == pytest.approx(0.3, abs=0.001)
    assert areas[areas > 0].mean() == pytest.approx(0.2, abs=0.005)


def test_without_a_probability_nothing_is_drawn() -> None:
    images = torch.ones(1, 1, 2, 2)
    nothing = draw_erasing(AugmentationConfig(), Span(0, 0, 0, 5), 20)
    assert nothing is None
    assert erased(images, nothing, torch.zeros(1, 1, 1, 1)) is images
