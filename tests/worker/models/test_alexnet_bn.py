from __future__ import annotations

import pytest
import torch
from torch import nn

from study.config.models import AlexNetBnConfig
from study.errors import Infeasible
from worker.models.build import build_model


def counted(*modules: nn.Module) -> list[int]:
    return [sum(parameter.numel() for parameter in module.parameters()) for module in modules]


def test_the_published_network_has_exactly_the_published_parameter_counts() -> None:
    with torch.device("meta"):
        model = build_model(AlexNetBnConfig(), channels=3, image_size=224, n_classes=25)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert counted(*layers) == [
        *(23_296, 307_392, 663_936, 884_992, 590_080),
        *(37_752_832, 16_781_312, 2_097_664, 12_825),
    ]
    assert counted(model) == [59_134_041]


@pytest.mark.parametrize("size", [63, 64, 100])
def test_any_picture_that_is_large_enough_gives_logits(size: int) -> None:
    with torch.device("meta"):
        model = build_model(AlexNetBnConfig(), channels=1, image_size=size, n_classes=4)
        assert model(torch.zeros(2, 1, size, size)).shape == (2, 4)


def test_a_picture_that_is_too_small_is_infeasible() -> None:
    with pytest.raises(Infeasible, match=r"63 pixels or more, got data\.image_size=62"):
        build_model(AlexNetBnConfig(), channels=3, image_size=62, n_classes=4)
