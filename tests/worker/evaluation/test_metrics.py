from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from worker.evaluation.metrics import cross_entropy, macro_f1, summarise, top_k

LOGITS = torch.tensor(
    [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [0.0, 9.0, 1.0]]
)  # predicted: 0, 0, 2, 1
LABELS = torch.tensor([0, 1, 2, 2])


def test_top_k_is_the_share_of_labels_among_the_k_highest_logits() -> None:
    assert top_k(LOGITS, LABELS, 1) == 0.5
    assert top_k(LOGITS, LABELS, 2) == 1.0


def test_top_5_of_three_classes_is_certain() -> None:
    assert summarise(LOGITS, LABELS)["top5"] == 1.0


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    assert cross_entropy(torch.zeros(5, 7), torch.arange(5)) == pytest.approx(math.log(7))


def test_macro_f1_weighs_classes_the_same_and_leaves_out_absent_ones() -> None:
    with_absent_class = torch.cat([LOGITS, torch.full((4, 1), -9.0)], dim=1)
    # class 0: 2*1/(1+2), class 1: 0, class 2: 2*1/(2+1)
    assert macro_f1(LOGITS, LABELS) == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)
    assert macro_f1(with_absent_class, LABELS) == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)


def test_a_logit_that_is_not_finite_shows_in_the_loss() -> None:
    logits = LOGITS.clone()
    logits[1, 1] = float("nan")
    assert math.isnan(cross_entropy(logits, LABELS))


@given(pictures=st.integers(1, 30), classes=st.integers(1, 12), seed=st.integers(0, 99))
def test_shares_stay_between_0_and_1_and_top_5_is_no_less_than_top_1(
    pictures: int, classes: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(pictures, classes, generator=generator)
    labels = torch.randint(classes, (pictures,), generator=generator)
    metrics = summarise(logits, labels)
    assert 0 <= metrics["accuracy"] <= metrics["top5"] <= 1
    assert 0 <= macro_f1(logits, labels) <= 1
    assert metrics["accuracy"] == (logits.argmax(1) == labels).double().mean().item()
