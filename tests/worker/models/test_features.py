"""What is noted of a forward, against the same computed by hand."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from worker.models.features import CONVOLUTIONS, noted


def test_a_convolution_gives_moments_of_its_channels_and_the_last_linear_what_it_is_fed() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(108, 2)
    )
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad(), noted(model) as features:
        model(images)
    maps = model[0](images).flatten(2)
    wanted = torch.cat([maps.mean(dim=2), maps.std(dim=2, correction=0)], dim=1)
    torch.testing.assert_close(features["0"], wanted)
    torch.testing.assert_close(features["last"], model[:3](images))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("build", [torchvision.models.resnet18, torchvision.models.squeezenet1_1])
def test_of_many_convolutions_some_are_noted_the_first_among_them(build: type[nn.Module]) -> None:
    model = build(num_classes=3).eval()
    first = next(name for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    with torch.no_grad(), noted(model) as features:
        logits = model(torch.randn(2, 3, 64, 64))
    assert len(features) == CONVOLUTIONS + 1
    assert next(iter(features)) == first
    assert logits.shape == (2, 3)


def test_a_model_without_a_linear_layer_gives_its_logits() -> None:
    class Pooled(nn.Conv2d):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images).mean(dim=(2, 3))

    model = nn.Sequential(Pooled(1, 5, 3))
    with torch.no_grad(), noted(model) as features:
        logits = model(torch.randn(2, 1, 8, 8))
    assert torch.equal(features["last"], logits)
