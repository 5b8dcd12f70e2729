from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from study.config.training import TrainingConfig
from worker.training.loss import Loss

LOGITS = 3 * torch.randn(20, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 4
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.0])


def mean(targets: Tensor, weights: Tensor | None = None, **training: object) -> Tensor:
    loss = Loss(TrainingConfig.model_validate(training), weights)
    return loss.sum(LOGITS, targets) / loss.weight(targets)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_torchs_mean(weights: Tensor | None, smoothing: float) -> None:
    wanted = functional.cross_entropy(LOGITS, LABELS, weight=weights, label_smoothing=smoothing)
    torch.testing.assert_close(mean(LABELS, weights, label_smoothing=smoothing), wanted)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_all_of_one_class_is_that_class(
    loss: str, weights: Tensor | None, smoothing: float
) -> None:
    shares = functional.one_hot(LABELS, 4).float()
    options = {"loss": loss, "label_smoothing": smoothing}
    torch.testing.assert_close(mean(shares, weights, **options), mean(LABELS, weights, **options))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_shares_of_two_classes_give_the_same_shares_of_their_losses(weights: Tensor | None) -> None:
    first, second = functional.one_hot(LABELS, 4), functional.one_hot(LABELS.roll(1), 4)
    loss = Loss(TrainingConfig(), weights)
    mixed = loss.sum(LOGITS, 0.3 * first + 0.7 * second)
    apart = 0.3 * loss.sum(LOGITS, LABELS) + 0.7 * loss.sum(LOGITS, LABELS.roll(1))
    torch.testing.assert_close(mixed, apart)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_focal_loss_without_gamma_is_cross_entropy(
    weights: Tensor | None, smoothing: float
) -> None:
    focal = {"loss": "focal", "focal_gamma": 0.0, "label_smoothing": smoothing}
    torch.testing.assert_close(
        mean(LABELS, weights, **focal), mean(LABELS, weights, label_smoothing=smoothing)
    )


@given(st.floats(0.0, 5.0))
def test_focal_loss_is_the_formula_of_its_paper(gamma: float) -> None:
    p = LOGITS.softmax(dim=1)[torch.arange(20), LABELS]
    wanted = (-((1 - p) ** gamma) * p.log()).mean()
    torch.testing.assert_close(mean(LABELS, loss="focal", focal_gamma=gamma), wanted)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_a_certain_answer_has_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]], requires_grad=True)
    loss = Loss(TrainingConfig(loss="focal", focal_gamma=gamma), None)
    loss.sum(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
