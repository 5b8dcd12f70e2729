from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from study.config.models import PlainCnnConfig
from study.errors import Infeasible
from worker.models.build import build_model
from worker.models.plain_cnn import filters


def layers_of(config: PlainCnnConfig, *kinds: type[nn.Module], size: int = 224) -> list[Any]:
    with torch.device("meta"):
        model = build_model(config, channels=3, image_size=size, n_classes=10)
    return [layer for layer in model.modules() if isinstance(layer, kinds)]


def test_the_published_network_has_exactly_the_published_parameter_counts() -> None:
    config = PlainCnnConfig(conv_layers=5, first_layer_filters=64, dense=256)
    layers = layers_of(config, nn.Conv2d, nn.Linear)
    counts = [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers]
    assert (counts[0], counts[-2:]) == (1_792, [803_072, 2_570])


@pytest.mark.parametrize(
    ("factor", "widths"),
    [(1.0, [32, 32, 32, 32]), (2.0, [32, 64, 128, 256]), (0.5, [32, 16, 8, 4])],
)
def test_each_layer_has_the_factor_times_the_filters_of_the_one_before(
    factor: float, widths: list[int]
) -> None:
    config = PlainCnnConfig(conv_layers=4, first_layer_filters=32, filter_org=factor)
    assert [layer.out_channels for layer in layers_of(config, nn.Conv2d)] == widths


@pytest.mark.parametrize(("factor", "got"), [(0.1, r"\[8, 1, 0\]"), (4.0, r"8, 32, 128, 512")])
def test_a_network_without_filters_or_with_too_many_is_infeasible(factor: float, got: str) -> None:
    config = PlainCnnConfig(
        conv_layers=3 if factor < 1 else 8, first_layer_filters=8, filter_org=factor
    )
    with pytest.raises(Infeasible, match=rf"1 to 8192 filters, got .*{got}"):
        filters(config)


@pytest.mark.parametrize(
    ("name", "kind"), [("relu", nn.ReLU), ("gelu", nn.GELU), ("silu", nn.SiLU), ("mish", nn.Mish)]
)
def test_every_hidden_layer_has_the_activation_that_is_asked_for(
    name: Any, kind: type[nn.Module]
) -> None:
    config = PlainCnnConfig(conv_layers=3, activation=name)
    assert len(layers_of(config, kind)) == 4
    assert len(layers_of(config, nn.ReLU, nn.GELU, nn.SiLU, nn.Mish)) == 4


def test_normalisation_can_be_left_out() -> None:
    assert len(layers_of(PlainCnnConfig(conv_layers=3), nn.BatchNorm2d)) == 3
    assert not layers_of(PlainCnnConfig(conv_layers=3, batch_norm=False), nn.BatchNorm2d)


@settings(max_examples=30)
@given(
    size=st.integers(8, 40),
    depth=st.integers(1, 6),
    kernel=st.sampled_from([1, 3, 5]),
    channels=st.sampled_from([1, 3]),
)
def test_any_picture_size_either_gives_logits_or_is_infeasible(
    size: int, depth: int, kernel: int, channels: int
) -> None:
    config = PlainCnnConfig(conv_layers=depth, first_layer_filters=2, kernel_size=kernel, dense=4)
    if size < 2**depth:
        with pytest.raises(Infeasible, match=rf"model.conv_layers={depth}"):
            build_model(config, channels=channels, image_size=size, n_classes=7)
    else:
        model = build_model(config, channels=channels, image_size=size, n_classes=7)
        assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)
