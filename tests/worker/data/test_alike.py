"""Pictures that are nearly the same, told from pictures that are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from worker.data.alike import NEAR_BITS, feature_pairs, joined, near_pairs
from worker.data.decode import decode
from worker.data.perceptual import perceptual_hashes

Change = Callable[[Image.Image], Image.Image]


def scene(seed: int) -> Image.Image:
    """Rectangles of random places, sizes and colours: has edges as photographs do, and no two of
    them are alike."""
    random = np.random.default_rng(seed)
    pixels = np.full((96, 128, 3), random.integers(0, 256, 3), np.uint8)
    for _ in range(12):
        top, left = random.integers(0, 80), random.integers(0, 110)
        high, wide = random.integers(8, 48, 2)
        pixels[top : top + high, left : left + wide] = random.integers(0, 256, 3)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def squares(*images: Image.Image, channels: int = 3, side: int = 64) -> NDArray[np.uint8]:
    found = []
    for image in images:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        found.append(decode(buffer.getvalue(), side, channels, "crop").pixels)  # type: ignore[arg-type]
    return np.stack(found)


def distance(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).sum())


@pytest.mark.parametrize("side", [24, 64, 224])
@pytest.mark.parametrize(
    "change",
    [
        jpeg,
        lambda image: image.resize((64, 48), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: ImageEnhance.Contrast(image).enhance(0.85),
        lambda image: image.convert("L").convert("RGB"),
    ],
    ids=["compressed", "halved", "brighter", "flatter", "gray"],
)
def test_a_changed_picture_is_near_its_original(change: Change, side: int) -> None:
    images = [scene(seed) for seed in range(20)]
    before, _ = perceptual_hashes(squares(*images, side=side))
    after, _ = perceptual_hashes(squares(*map(change, images), side=side))
    distances = [distance(*both) for both in zip(before, after, strict=True)]
    assert np.median(distances) < NEAR_BITS / 2
    assert np.mean(np.array(distances) <= NEAR_BITS) >= 0.9


def test_different_pictures_are_far_apart() -> None:
    hashes, flat = perceptual_hashes(squares(*(scene(seed) for seed in range(60))))
    assert not flat.any()
    assert list(near_pairs(hashes, flat, most=70)) == []


def test_pictures_of_one_colour_are_like_nothing() -> None:
    images = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "blue")]
    hashes, flat = perceptual_hashes(squares(*images))
    assert flat.all()
    assert list(near_pairs(hashes, flat)) == []


def test_gray_squares_have_the_hashes_of_their_pictures() -> None:
    images = [scene(seed).convert("L") for seed in range(5)]
    gray, _ = perceptual_hashes(squares(*images, channels=1))
    rgb, _ = perceptual_hashes(squares(*(image.convert("RGB") for image in images)))
    assert max(distance(*both) for both in zip(gray, rgb, strict=True)) <= 4


hash_tables = arrays(
    np.uint64, st.tuples(st.integers(1, 40), st.just(4)), elements=st.sampled_from([0, 1, 7, 2**63])
)


@settings(max_examples=60)
@given(hash_tables, st.integers(0, 6))
def test_sets_are_those_of_all_pairs_compared_one_by_one(
    hashes: NDArray[np.uint64], most: int
) -> None:
    count = len(hashes)
    pairs = [
        (one, other)
        for one in range(count)
        for other in range(one)
        if distance(hashes[one], hashes[other]) <= most
    ]
    found = joined(count, near_pairs(hashes, np.zeros(count, bool), most))
    assert sorted(found) == sorted(joined(count, pairs))


def test_features_that_point_the_same_way_are_alike() -> None:
    features = np.array([[1, 0], [10, 0.1], [0, 1], [0, 0], [-1, 0]], np.float32)
    assert joined(5, feature_pairs(features)) == [[0, 1]]


def test_pairs_join_into_sets() -> None:
    assert joined(6, [(0, 1), (3, 4), (1, 4)]) == [[0, 1, 3, 4]]
