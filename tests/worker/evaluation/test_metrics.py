from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_auroc,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_f1_score,
)

from study.config.search import LOWER_IS_BETTER, Metric
from worker.evaluation.metrics import (
    CALIBRATION_BINS,
    LOW_SUPPORT,
    calibration_error,
    class_figures,
    confusion_matrix,
    cross_entropy,
    entropy,
    roc_auc,
    summarise,
    top_k,
)

LOGITS = torch.tensor(
    [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [0.0, 9.0, 1.0]]
)  # predicted: 0, 0, 2, 1
LABELS = torch.tensor([0, 1, 2, 2])


def drawn(pictures: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Labels, and logits that know something of them."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(pictures, classes, generator=generator)
    labels = torch.randint(classes, (pictures,), generator=generator)
    logits[torch.arange(pictures), labels] += 1
    return logits, labels


def test_every_metric_a_study_can_search_for_is_measured() -> None:
    measured = summarise(LOGITS, LABELS)
    assert set(measured) == set(get_args(Metric))
    assert set(LOWER_IS_BETTER) <= set(measured)


def test_top_k_is_the_share_of_labels_among_the_k_highest_logits() -> None:
    assert top_k(LOGITS, LABELS, 1) == 0.5
    assert top_k(LOGITS, LABELS, 2) == 1.0


def test_top_5_of_three_classes_is_certain() -> None:
    assert summarise(LOGITS, LABELS)["top5"] == 1.0


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    assert cross_entropy(torch.zeros(5, 7), torch.arange(5)) == pytest.approx(math.log(7))


def test_macro_means_weigh_classes_the_same_and_leave_out_absent_ones() -> None:
    # class 0: 1 hit of 2 taken for it and of 1; class 1: none; class 2: 1 of 1 and of 2
    expected = {"precision": 1.5 / 3, "recall": 1.5 / 3, "f1": (2 / 3 + 0 + 2 / 3) / 3}
    with_absent_class = torch.cat([LOGITS, torch.full((4, 1), -9.0)], dim=1)
    for logits in (LOGITS, with_absent_class):
        measured = summarise(logits, LABELS)
        assert {name: measured[name] for name in expected} == pytest.approx(expected)


def test_f1_of_supported_classes_leaves_out_those_with_few_pictures() -> None:
    labels = torch.tensor([0] * LOW_SUPPORT + [1] * (LOW_SUPPORT - 1))
    logits = torch.tensor([[1.0, 0.0]] * LOW_SUPPORT + [[1.0, 0.0]] * (LOW_SUPPORT - 1))
    figures = class_figures(confusion_matrix(logits, labels))
    measured = summarise(logits, labels)
    assert figures.supported.tolist() == [True, False]
    assert measured["f1_supported"] == pytest.approx(figures.f1[0].item())
    assert measured["f1"] == pytest.approx(figures.f1.mean().item())


def test_f1_of_supported_classes_is_that_of_all_where_none_has_enough() -> None:
    measured = summarise(LOGITS, LABELS)
    assert measured["f1_supported"] == measured["f1"]


@pytest.mark.filterwarnings("ignore:No (positive|negative) samples")
@given(pictures=st.integers(6, 80), classes=st.integers(2, 7), seed=st.integers(0, 999))
def test_roc_auc_and_f1_are_those_of_torchmetrics(pictures: int, classes: int, seed: int) -> None:
    logits, labels = drawn(pictures, classes, seed)
    probabilities = (logits.softmax(dim=1) * 8).round() / 8  # many are equal
    each = multiclass_auroc(probabilities, labels, classes, average="none")
    some = [area for label, area in enumerate(each) if 0 < (labels == label).sum() < pictures]
    assume(some)
    assert roc_auc(probabilities, labels).item() == pytest.approx(
        torch.stack(some).mean().item(), abs=1e-5
    )
    measured = summarise(logits, labels)
    f1 = multiclass_f1_score(logits, labels, classes, average="macro")
    assert measured["f1"] == pytest.approx(f1.item(), abs=1e-6)


@given(
    pictures=st.integers(1, 80),
    classes=st.integers(1, 9),
    seed=st.integers(0, 999),
    sharpness=st.sampled_from([0.1, 1.0, 200.0]),  # the last is sure of some to exactly 1
)
def test_confusion_and_calibration_error_are_those_of_torchmetrics(
    pictures: int, classes: int, seed: int, sharpness: float
) -> None:
    logits, labels = drawn(pictures, classes, seed)
    logits = logits.round() * sharpness  # many are equal
    expected = multiclass_confusion_matrix(logits, labels, classes, validate_args=False)
    assert confusion_matrix(logits, labels).equal(expected)
    probabilities = logits.softmax(dim=1)
    error = multiclass_calibration_error(
        probabilities, labels, classes, n_bins=CALIBRATION_BINS, validate_args=False
    )
    assert calibration_error(probabilities, labels).item() == pytest.approx(error.item(), abs=1e-6)


@given(seed=st.integers(0, 999))
def test_calibration_error_on_the_edges_of_bins_is_that_of_torchmetrics(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.linspace(0, 1, CALIBRATION_BINS + 1)
    sure = edges[torch.randint(8, len(edges), (40,), generator=generator)]  # at least a half
    probabilities = torch.stack([sure, 1 - sure], dim=1)
    labels = torch.randint(2, (40,), generator=generator)
    error = multiclass_calibration_error(probabilities, labels, 2, n_bins=CALIBRATION_BINS)
    assert calibration_error(probabilities, labels).item() == pytest.approx(error.item(), abs=1e-6)


def test_pictures_of_one_bin_make_up_for_each_other() -> None:
    probabilities = torch.tensor([[0.61, 0.39]] * 2 + [[0.9, 0.1]])  # bins 10 and 14 of 15
    labels = torch.tensor([0, 1, 0])
    assert calibration_error(probabilities, labels).item() == pytest.approx(
        (2 * abs(0.61 - 0.5) + abs(0.9 - 1)) / 3, abs=1e-6
    )


def test_roc_auc_of_equal_probabilities_is_a_half() -> None:
    assert roc_auc(torch.full((9, 3), 1 / 3), torch.arange(9) % 3) == 0.5


def test_roc_auc_without_a_second_class_is_undefined() -> None:
    assert math.isnan(roc_auc(torch.rand(4, 3), torch.zeros(4, dtype=torch.int64)).item())


def test_a_model_that_is_as_sure_as_it_is_right_is_calibrated() -> None:
    right = torch.tensor([[0.0, math.log(3)]] * 4)  # 75 % sure
    assert summarise(right, torch.tensor([1, 1, 1, 0]))["ece"] == pytest.approx(0.0, abs=1e-6)
    assert summarise(right, torch.tensor([0, 0, 0, 0]))["ece"] == pytest.approx(0.75)


def test_a_logit_that_is_not_finite_shows_in_the_loss() -> None:
    logits = LOGITS.clone()
    logits[1, 1] = float("nan")
    assert math.isnan(summarise(logits, LABELS)["loss"])


@given(pictures=st.integers(1, 30), classes=st.integers(2, 12), seed=st.integers(0, 99))
def test_shares_stay_between_0_and_1_and_top_5_is_no_less_than_top_1(
    pictures: int, classes: int, seed: int
) -> None:
    logits, labels = drawn(pictures, classes, seed)
    metrics = summarise(logits, labels)
    assert 0 <= metrics["accuracy"] <= metrics["top5"] <= 1
    shares = ("precision", "recall", "f1", "f1_supported", "ece")
    assert all(0 <= metrics[name] <= 1 for name in shares)
    assert metrics["accuracy"] == (logits.argmax(1) == labels).double().mean().item()


def test_entropy_is_that_of_the_softmax_in_nats() -> None:
    assert entropy(torch.zeros(1, 5)).item() == pytest.approx(math.log(5))
    assert entropy(torch.tensor([[1000.0, 0.0]])).item() == pytest.approx(0.0)
    halves = torch.tensor([[3.0, 3.0, -1000.0]])
    assert entropy(halves).item() == pytest.approx(math.log(2))
