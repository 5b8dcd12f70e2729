from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.augmentation import AugmentationConfig
from worker.data.draws import Span, draw_balanced_order, draw_order, draw_windows

CONFIG = AugmentationConfig(crop_scale=(0.3, 1.0))


@given(st.integers(-5, 5), st.integers(0, 5), st.integers(1, 50))
def test_an_order_holds_every_picture_once(seed: int, epoch: int, count: int) -> None:
    assert sorted(draw_order(seed, epoch, count)) == list(range(count))


def test_orders_differ_between_epochs_and_seeds_and_repeat_exactly() -> None:
    orders = {tuple(draw_order(seed, epoch, 50)) for seed in (0, 1, -1) for epoch in (0, 1)}
    assert len(orders) == 6
    assert tuple(draw_order(0, 1, 50)) in orders


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(-2, 2), st.integers(0, 3))
def test_a_balanced_order_shows_classes_and_their_pictures_equally_often(
    labels: list[int], seed: int, epoch: int
) -> None:
    order = draw_balanced_order(seed, epoch, np.array(labels, np.int32))
    assert len(order) == len(labels)
    per_class = Counter(labels[row] for row in order)
    assert per_class.keys() == set(labels)
    assert max(per_class.values()) - min(per_class.values()) <= 1
    per_picture = np.bincount(order, minlength=len(labels))
    for label in set(labels):
        shown = per_picture[np.array(labels) == label]
        assert shown.max() - shown.min() <= 1


def test_balanced_orders_differ_between_epochs_and_seeds_and_repeat_exactly() -> None:
    labels = np.array([0] * 40 + [1] * 5, np.int32)
    orders = {tuple(draw_balanced_order(s, e, labels)) for s in (0, 1, -1) for e in (0, 1)}
    assert len(orders) == 6
    assert tuple(draw_balanced_order(0, 1, labels)) in orders


@given(st.integers(0, 2**40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 30))
def test_numbers_of_a_position_do_not_depend_on_the_batch_it_is_in(
    first: int, start: int, count: int, width: int
) -> None:
    every = Span(3, 2, first, 60).numbers("jitter", width)
    part = Span(3, 2, first + start, count).numbers("jitter", width)
    assert part.shape == (count, width)
    np.testing.assert_array_equal(part[: 60 - start], every[start : start + count])


def test_numbers_differ_between_purposes_epochs_seeds_and_positions() -> None:
    spans = [Span(0, 0, 0, 2), Span(0, 1, 0, 2), Span(1, 0, 0, 2), Span(0, 0, 2, 2)]
    drawn = [span.numbers(purpose, 4) for span in spans for purpose in ("jitter", "erasing")]
    assert len(np.unique(drawn)) == np.size(drawn)


@given(st.integers(0, 40), st.integers(1, 20))
def test_windows_of_a_batch_do_not_depend_on_those_before_it(start: int, count: int) -> None:
    every = draw_windows(CONFIG, Span(3, 2, 0, 60), 64)
    part = draw_windows(CONFIG, Span(3, 2, start, count), 64)
    np.testing.assert_array_equal(part.boxes, every.boxes[start : start + count])
    np.testing.assert_array_equal(part.flips, every.flips[start : start + count])


@given(
    st.tuples(st.floats(0.05, 1.0), st.floats(0.05, 1.0)),
    st.tuples(st.floats(0.3, 3.0), st.floats(0.3, 3.0)),
    st.integers(1, 200),
)
def test_windows_lie_inside_the_square(
    scale: tuple[float, float], ratio: tuple[float, float], side: int
) -> None:
    config = AugmentationConfig(
        crop_scale=(min(scale), max(scale)), crop_ratio=(min(ratio), max(ratio))
    )
    boxes = draw_windows(config, Span(0, 0, 0, 100), side).boxes
    assert (boxes[:, 2:] >= 1).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= side).all()


def test_windows_have_the_areas_ratios_and_flips_asked_for() -> None:
    config = AugmentationConfig(crop_scale=(0.2, 0.6), horizontal_flip=0.25, vertical_flip=0.6)
    windows = draw_windows(config, Span(0, 0, 0, 20_000), 500)
    height, width = windows.boxes[:, 2], windows.boxes[:, 3]
    area = height * width / 500**2
    assert area.min() > 0.199
    assert area.max() < 0.602
    assert area.mean() == pytest.approx(0.4, abs=0.005)
    assert np.log(width / height).mean() == pytest.approx(0, abs=0.005)
    assert (width / height).max() < 1.34
    assert windows.flips.mean(axis=0) == pytest.approx([0.6, 0.25], abs=0.01)


def test_without_a_crop_scale_windows_are_whole() -> None:
    windows = draw_windows(AugmentationConfig(crop_scale=None), Span(0, 0, 5, 3), 32)
    assert windows.boxes.tolist() == [[0, 0, 32, 32]] * 3
