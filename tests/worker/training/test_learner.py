from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from worker.training.learner import Learner
from worker.training.optimizer import build_optimizer, decay_groups

CPU = torch.device("cpu")
IMAGES = torch.randn(12, 3, 1, 2, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 2, 2, 0, 1, 0, 2, 2, 1, 0])
WEIGHTS = torch.tensor([0.5, 2.0, 1.0])


def linear_learner(config: TrainingConfig, **options: Any) -> Learner:
    torch.manual_seed(0)
    return Learner(nn.Sequential(nn.Flatten(), nn.Linear(6, 3)), config, device=CPU, **options)


def plain_sgd(**changes: Any) -> TrainingConfig:
    return TrainingConfig(
        optimizer="sgd", momentum=0.0, weight_decay=0.0,
        **{"precision": "float32", "gradient_clip": None, "label_smoothing": 0.1, **changes},
    )  # fmt: skip


BLENDED = 0.8 * functional.one_hot(LABELS, 3) + 0.2 * functional.one_hot(LABELS.roll(1), 3)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
@pytest.mark.parametrize("accumulation", [2, 5, 100])
def test_a_blended_batch_in_parts_gives_the_gradient_of_the_whole_batch(
    loss: str, class_weights: torch.Tensor | None, accumulation: int
) -> None:
    whole = linear_learner(plain_sgd(loss=loss), class_weights=class_weights)
    parts = linear_learner(
        plain_sgd(loss=loss), class_weights=class_weights, accumulation=accumulation
    )
    torch.testing.assert_close(parts.step(IMAGES, BLENDED, 1.0), whole.step(IMAGES, BLENDED, 1.0))
    for ours, theirs in zip(parts.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
@pytest.mark.parametrize("accumulation", [1, 2, 5, 100])
def test_a_batch_in_parts_gives_the_gradient_of_the_whole_batch(
    class_weights: torch.Tensor | None, accumulation: int
) -> None:
    learner = linear_learner(plain_sgd(), class_weights=class_weights, accumulation=accumulation)
    reference = copy.deepcopy(learner.model)

    loss, logits = learner.step(IMAGES, LABELS, 1.0)

    torch.testing.assert_close(logits, reference(IMAGES).detach())

    expected = functional.cross_entropy(
        reference(IMAGES), LABELS, weight=class_weights, label_smoothing=0.1
    )
    expected.backward()
    torch.testing.assert_close(loss, expected.detach())
    for ours, theirs in zip(learner.model.parameters(), reference.parameters(), strict=True):
        assert theirs.grad is not None
        torch.testing.assert_close(ours.detach(), theirs.detach() - theirs.grad)


def test_the_gradient_is_no_longer_than_the_clip() -> None:
    learner = linear_learner(plain_sgd(gradient_clip=0.01))
    before = [parameter.detach().clone() for parameter in learner.model.parameters()]
    learner.step(IMAGES, LABELS, 1.0)
    moved = [
        now.detach() - then for now, then in zip(learner.model.parameters(), before, strict=True)
    ]
    assert torch.cat([change.flatten() for change in moved]).norm().item() == pytest.approx(
        0.01, rel=1e-3
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_precision_and_optimizer_learns(precision: str, optimizer: str) -> None:
    config = TrainingConfig.model_validate({"optimizer": optimizer, "precision": precision})
    learner = linear_learner(config)
    losses = [learner.step(IMAGES, LABELS, 0.1)[0].item() for _ in range(25)]
    assert losses[-1] < 0.8 * losses[0]
    assert {parameter.dtype for parameter in learner.model.parameters()} == {torch.float32}


def test_the_loss_scale_of_float16_is_part_of_the_state() -> None:
    learner = linear_learner(plain_sgd(precision="float16"))
    learner.step(IMAGES * 1e4, LABELS, 1e-6)  # the scaled gradient overflows: the scale is halved
    other = linear_learner(plain_sgd(precision="float16"))
    other.load(learner.state())
    assert other.state()["scaler"] == learner.state()["scaler"]
    assert (
        other.state()["scaler"]["scale"]
        < linear_learner(plain_sgd(precision="float16")).state()["scaler"]["scale"]
    )


def test_norms_and_biases_do_not_decay(
    study_config: Callable[..., StudyConfig], new_learner: Callable[..., Learner]
) -> None:
    model = new_learner(study_config()).model
    decayed, spared = decay_groups(model, 0.3)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)
    assert {names[id(p)] for p in decayed["params"]} == {  # type: ignore[attr-defined]
        *("blocks.0.0.weight", "blocks.1.0.weight", "classifier.1.weight", "classifier.4.weight")
    }
    assert len(names) == len(decayed["params"]) + len(spared["params"])  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_optimizers_are_fused(optimizer: str) -> None:
    config = TrainingConfig.model_validate({"optimizer": optimizer})
    assert build_optimizer(nn.Linear(2, 2), config).defaults["fused"] is True
