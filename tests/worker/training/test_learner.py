from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from study.config.models import BackboneConfig
from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from worker.models.backbone import Backbone
from worker.models.build import build_model
from worker.training.learner import Learner
from worker.training.optimizer import build_optimizer, decay_groups
from worker.training.progress import Progress

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


def small_backbone(**fields: Any) -> Backbone:
    torch.manual_seed(0)
    name = "tests.worker.models.small_network:SmallNetwork"
    model = build_model(BackboneConfig(name=name, **fields), channels=3, image_size=8, n_classes=3)
    assert isinstance(model, Backbone)
    return model


PICTURES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def test_each_part_of_a_backbone_learns_at_its_rate_of_the_schedule_s() -> None:
    model = small_backbone(backbone_rate=0.0001)
    learner = Learner(model, plain_sgd(), device=CPU)
    learner.begin_epoch(0)
    before = [[p.detach().clone() for p in group] for _, group in model.rates()]
    learner.step(PICTURES, LABELS, 0.5)
    gradients = copy.deepcopy(before)
    for (rate, group), then, gradient in zip(model.rates(), before, gradients, strict=True):
        for now, old, new in zip(group, then, gradient, strict=True):
            new.copy_((old - now.detach()) / (0.5 * rate))
    reference = Learner(small_backbone(), plain_sgd(), device=CPU)
    reference.begin_epoch(0)
    start = [p.detach().clone() for p in reference.model.parameters()]
    reference.step(PICTURES, LABELS, 1.0)
    moved = [old - p.detach() for old, p in zip(start, reference.model.parameters(), strict=True)]
    found = [gradient for group in gradients for gradient in group]
    torch.testing.assert_close(found, moved, rtol=5e-2, atol=5e-3)


def test_a_frozen_step_changes_the_last_layer_alone() -> None:
    model = small_backbone(frozen_epochs=1)
    learner = Learner(model, TrainingConfig(), device=CPU)
    learner.begin_epoch(0)
    before = copy.deepcopy(model.state_dict())
    learner.step(PICTURES, LABELS, 0.1)
    changed = {n for n, tensor in model.state_dict().items() if not tensor.equal(before[n])}
    assert changed == {"network.top.weight", "network.top.bias"}

    learner.begin_epoch(1)
    learner.step(PICTURES, LABELS, 0.1)
    changed = {n for n, tensor in model.state_dict().items() if not tensor.equal(before[n])}
    assert {"network.first.0.weight", "network.first.1.running_mean"} <= changed


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
@pytest.mark.parametrize(
    "config", [plain_sgd(), TrainingConfig(optimizer="sgd"), TrainingConfig(optimizer="adamw")]
)
def test_the_state_of_one_that_has_left_its_device_is_what_another_goes_on_from(
    config: TrainingConfig, device: str
) -> None:
    left, stayed, adopted = (
        Learner(linear_learner(config).model, config, device=torch.device(device)) for _ in range(3)
    )
    batch = IMAGES.to(device), LABELS.to(device)
    for learner in (left, stayed):
        learner.step(*batch, 0.1)
    left.leave_device()
    state = left.state()
    tensors = [*state["model"].values()]
    tensors += [
        each for moments in state["optimizer"]["state"].values() for each in moments.values()
    ]
    assert {each.device.type for each in tensors if each is not None} == {"cpu"}
    adopted.load(state)
    for learner in (adopted, stayed):
        learner.step(*batch, 0.1)
    for ours, theirs in zip(adopted.model.parameters(), stayed.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    "training",
    [
        {"precision": "bfloat16"},
        {"precision": "float16", "optimizer": "sgd"},
        {"precision": "float32", "gradient_clip": None, "loss": "focal"},
    ],
)
def test_a_step_does_not_wait_for_the_gpu(training: dict[str, Any]) -> None:
    gpu, config = torch.device("cuda"), TrainingConfig.model_validate(training)
    learner = Learner(small_backbone(), config, device=gpu, class_weights=WEIGHTS)
    images, labels, progress = PICTURES.to(gpu), LABELS.to(gpu), Progress()
    progress.count(*learner.step(images, labels, 0.1), labels, 0.0)  # buffers are made
    torch.cuda.set_sync_debug_mode("error")
    try:
        progress.count(*learner.step(images, labels, 0.1), labels, 0.0)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert progress.step == 2
