from __future__ import annotations

import pytest
import torch
from torch import nn

from study.config.models import ResidualCnnConfig
from study.errors import Infeasible
from worker.models.build import build_model
from worker.models.residual_cnn import ResidualBlock


def blocks_of(config: ResidualCnnConfig, size: int = 64) -> list[ResidualBlock]:
    model = build_model(config, channels=3, image_size=size, n_classes=3)
    return [module for module in model.modules() if isinstance(module, ResidualBlock)]


def test_the_default_has_four_widths_and_drops_channels_in_the_deeper_two() -> None:
    blocks = blocks_of(ResidualCnnConfig(dropout=0.3))
    assert [block.convolutions[0].out_channels for block in blocks] == [32, 64, 128, 256]
    rates = [m.p for block in blocks for m in block.modules() if isinstance(m, nn.Dropout2d)]
    assert rates == [0.0, 0.0, 0.3, 0.3]


def test_a_block_whose_convolutions_give_nothing_passes_its_input_on() -> None:
    block = ResidualBlock(4, 4, halves=False, dropout=0.0).eval()
    nn.init.zeros_(block.convolutions[4].weight)
    features = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(block(features), features)


@pytest.mark.parametrize(("size", "blocks"), [(16, 1), (16, 2), (17, 1), (31, 3), (64, 1)])
def test_any_size_and_depth_gives_logits(size: int, blocks: int) -> None:
    config = ResidualCnnConfig(n_filters=(4, 8, 8, 4), blocks=blocks)
    model = build_model(config, channels=1, image_size=size, n_classes=3)
    assert model(torch.zeros(2, 1, size, size)).shape == (2, 3)
    assert len(blocks_of(config)) == 4 * blocks


def test_pictures_too_small_for_the_stages_are_infeasible() -> None:
    with pytest.raises(Infeasible, match=r">= 16 for the stages of model\.n_filters=4"):
        build_model(ResidualCnnConfig(), channels=3, image_size=15, n_classes=3)
