from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from worker.tracking.glimpse import PICTURES, SAMPLED, histograms, pictures

IMAGES = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 4


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(), nn.Flatten(),
        nn.Linear(180, 4),
    )  # fmt: skip


def test_weights_gradients_and_activations_are_those_of_the_model() -> None:
    model = small_model()
    found = histograms(model, (IMAGES, LABELS), ["weights", "gradients", "activations"])
    loss = functional.cross_entropy(model.eval()(IMAGES[:PICTURES]), LABELS[:PICTURES])
    loss.backward()
    layer = model[5]
    np.testing.assert_allclose(found["weights/5.weight"], layer.weight.detach().flatten())
    np.testing.assert_allclose(found["gradients/5.weight"], layer.weight.grad.flatten(), atol=1e-6)
    assert (found["activations/2"] >= 0).all()
    assert {"weights/0.bias", "gradients/1.weight", "activations/5"} <= found.keys()


def test_looking_changes_nothing_that_training_goes_on_from() -> None:
    model = small_model()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    histograms(model, (IMAGES, LABELS), ["weights", "gradients", "activations"])
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_only_what_is_wanted_is_looked_at_and_large_tensors_are_sampled() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4096))
    found = histograms(model, (IMAGES, LABELS), ["weights"])
    assert found.keys() == {"weights/1.weight", "weights/1.bias"}
    assert len(found["weights/1.weight"]) <= SAMPLED


def test_frozen_layers_and_values_that_are_not_finite_are_left_out() -> None:
    model = small_model()
    model[0].requires_grad_(False)
    with torch.no_grad():
        model[5].bias.fill_(torch.nan)
    found = histograms(model, (IMAGES, LABELS), ["weights"])
    assert found.keys() == {"weights/1.weight", "weights/1.bias", "weights/5.weight"}


def test_labels_may_be_shares_of_classes() -> None:
    shares = functional.one_hot(LABELS, 4).float()
    assert "gradients/0.weight" in histograms(small_model(), (IMAGES, shares), ["gradients"])


def test_pictures_are_shown_as_they_were_before_they_were_normalised() -> None:
    pixels = torch.randint(0, 256, (3, 8, 8, 3), dtype=torch.uint8)
    mean, std = (0.1, 0.5, 0.9), (0.2, 0.3, 0.4)
    normalised = (pixels / 255 - torch.tensor(mean)) / torch.tensor(std)
    shown = pictures(normalised.permute(0, 3, 1, 2), mean, std)
    np.testing.assert_array_equal(shown, pixels.numpy())
