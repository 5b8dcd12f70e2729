from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from study.config.augmentation import AugmentationConfig
from worker.data.blending import Blend, blended, draw_blend
from worker.data.draws import Span

IMAGES = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([2, 0, 1, 1, 2])


def drawn(span: Span, size: int = 32, **augmentation: float) -> Blend:
    blend = draw_blend(AugmentationConfig.model_validate(augmentation), span, size)
    assert blend is not None
    return blend


def test_mixup_blends_pictures_and_labels_in_the_same_shares() -> None:
    blend = drawn(Span(0, 0, 0, 5), mixup_alpha=1.0)
    images, shares = blended(IMAGES, LABELS, blend, 3)
    for row, share in enumerate(blend.shares.tolist()):
        wanted = share * IMAGES[row] + (1 - share) * IMAGES[row - 1]
        torch.testing.assert_close(images[row], wanted)
        expected = torch.zeros(3)
        expected[LABELS[row]] += share
        expected[LABELS[row - 1]] += 1 - share
        torch.testing.assert_close(shares[row], expected)


def test_cutmix_puts_a_rectangle_of_the_other_over_a_picture_and_counts_its_pixels() -> None:
    blend = drawn(Span(0, 0, 0, 5), size=8, cutmix_alpha=1.0)
    images, shares = blended(IMAGES, LABELS, blend, 3)
    assert blend.boxes is not None
    for row, (top, left, height, width) in enumerate(blend.boxes.tolist()):
        box = np.s_[:, top : top + height, left : left + width]
        wanted = IMAGES[row].clone()
        wanted[box] = IMAGES[row - 1][box]
        torch.testing.assert_close(images[row], wanted, rtol=0, atol=0)
        other = height * width / 64
        assert shares[row].sum().item() == pytest.approx(1)
        if LABELS[row] != LABELS[row - 1]:
            assert shares[row, LABELS[row]].item() == pytest.approx(1 - other)


def test_with_both_each_picture_meets_one() -> None:
    blend = drawn(Span(0, 0, 0, 4000), mixup_alpha=0.4, cutmix_alpha=1.0)
    assert blend.boxes is not None
    area = blend.boxes[:, 2] * blend.boxes[:, 3] / 32**2
    cut = area > 0
    assert cut.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose(blend.shares[cut], 1 - area[cut], rtol=1e-5)
    assert stats.kstest(blend.shares[~cut], stats.beta(0.4, 0.4).cdf).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.4, 1.0, 5.0])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    shares = drawn(Span(0, 0, 0, 4000), mixup_alpha=alpha).shares
    assert stats.kstest(shares.astype(float), stats.beta(alpha, alpha).cdf).pvalue > 1e-4


@given(
    st.sampled_from([(0.2, 0.0), (0.0, 1.0), (0.2, 1.0), (1e-6, 1e-6), (1e4, 1e4)]),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 64),
)
def test_a_blend_is_valid_and_does_not_depend_on_the_batches_before(
    alphas: tuple[float, float], start: int, count: int, size: int
) -> None:
    ranges = dict(zip(("mixup_alpha", "cutmix_alpha"), alphas, strict=True))
    every, part = (
        drawn(Span(3, 2, 0, 60), size, **ranges),
        drawn(Span(3, 2, start, count), size, **ranges),
    )
    assert ((every.shares >= 0) & (every.shares <= 1)).all()
    np.testing.assert_array_equal(part.shares, every.shares[start : start + count])
    if every.boxes is None:
        assert part.boxes is None
        return
    assert (every.boxes >= 0).all()
    assert (every.boxes[:, :2] + every.boxes[:, 2:] <= size).all()
    assert part.boxes is not None
    np.testing.assert_array_equal(part.boxes, every.boxes[start : start + count])


def test_without_alphas_pictures_and_labels_stay_as_they_are() -> None:
    blend = draw_blend(AugmentationConfig(), Span(0, 0, 0, 5), 8)
    assert blend is None
    images, labels = blended(IMAGES, LABELS, blend, 3)
    assert images is IMAGES
    assert labels is LABELS
