from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from study.config.models import DynamicCnnConfig
from study.errors import Infeasible
from worker.models.build import build_model
from worker.models.dynamic_cnn import ConvolutionBlock


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_network_has_exactly_the_published_parameter_counts() -> None:
    config = DynamicCnnConfig(
        n_layers=4, n_filters=(32, 64, 128, 256), kernel_sizes=(3, 3, 3, 3), fc_size=1024
    )
    with torch.device("meta"):
        model = build_model(config, channels=3, image_size=224, n_classes=150)

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    assert [parameters(layer) for layer in layers] == [
        *(896, 64, 18_496, 128, 73_856, 256, 295_168, 512)
    ]
    megabytes = parameters(model) * torch.float32.itemsize / 1e6
    assert f"{megabytes:.2f}" == "207.70"


def test_a_block_is_convolution_norm_relu_and_pooling() -> None:
    model = build_model(
        DynamicCnnConfig(n_layers=2, dropout=0.4), channels=1, image_size=28, n_classes=10
    )
    kinds = [type(m).__name__ for m in model.modules() if not list(m.children())]
    assert kinds == [
        *("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d") * 2,
        *("Flatten", "Linear", "ReLU", "Dropout", "Linear"),
    ]
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.4]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_block_that_trains_has_the_bits_of_its_layers_in_their_order(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    block = ConvolutionBlock(3, 8, 5)
    in_order = nn.Sequential(*copy.deepcopy(block))
    images = torch.randn(4, 3, 12, 12).to(memory_format=torch.channels_last)
    towards = torch.randn(4, 8, 6, 6)
    found = []
    for module in (block, in_order):
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            output = module(images)
        output.backward(towards.to(output.dtype))
        found.append([output.detach(), *(p.grad for p in module.parameters()), *module.buffers()])
    torch.testing.assert_close(*found, rtol=0, atol=0)


@settings(max_examples=40)
@given(
    size=st.integers(8, 70),
    n_layers=st.integers(1, 8),
    kernel=st.sampled_from([1, 3, 5, 7]),
    channels=st.sampled_from([1, 3]),
)
def test_any_picture_size_either_gives_logits_or_is_infeasible(
    size: int, n_layers: int, kernel: int, channels: int
) -> None:
    config = DynamicCnnConfig(
        n_layers=n_layers, n_filters=(2,) * n_layers, kernel_sizes=(kernel,) * n_layers, fc_size=4
    )
    if size < 2**n_layers:
        with pytest.raises(Infeasible):
            build_model(config, channels=channels, image_size=size, n_classes=7)
    else:
        model = build_model(config, channels=channels, image_size=size, n_classes=7)
        assert model(torch.zeros(2, channels, size, size)).shape == (2, 7)


def test_the_error_of_a_network_too_deep_names_the_numbers_and_the_way_out() -> None:
    config = DynamicCnnConfig(n_layers=6, n_filters=(4,) * 6, kernel_sizes=(3,) * 6)
    with pytest.raises(Infeasible, match=r">= 64 .*n_layers=6.*image_size=28.* at most 4 layers"):
        build_model(config, channels=1, image_size=28, n_classes=10)
