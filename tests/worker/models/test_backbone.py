"""Backbones by name: built, frozen, with a rate for each part."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from study.config.models import BackboneConfig
from study.errors import Infeasible, ModelError
from worker.models.backbone import Backbone, begin_epoch
from worker.models.build import build_model

SMALL = "tests.worker.models.small_network"


def backbone(
    name: str = f"{SMALL}:SmallNetwork", *, size: int = 16, channels: int = 3, **fields: Any
) -> Backbone:
    config = BackboneConfig(name=name, **fields)
    model = build_model(config, channels=channels, image_size=size, n_classes=5)
    assert isinstance(model, Backbone)
    return model


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18", 32), ("mobilenet_v3_small", 32), ("efficientnet_b0", 32), ("convnext_tiny", 32),
     ("squeezenet1_1", 32), ("googlenet", 64), ("vit_b_32", 64), ("alexnet", 64),
     ("timm/mobilenetv3_small_050", 32), ("timm/resnet10t", 32),
     (f"{SMALL}:SmallNetwork", 8), (f"{SMALL}:SmallNetwork.wide", 8)],
)  # fmt: skip
def test_a_network_of_any_library_gives_logits_of_this_data_set(name: str, size: int) -> None:
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    model = backbone(name, size=size, dropout=0.4)
    assert model.training
    assert model(torch.zeros(2, 3, size, size)).shape == (2, 5)
    assert model.eval()(torch.zeros(2, 1, size, size)).shape == (2, 5)  # gray
    assert 0.4 in [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)]


def test_arguments_go_to_what_makes_the_network() -> None:
    model = backbone(arguments={"width": 9})
    assert model.network.first[0].out_channels == 9


def test_the_head_s_dropout_takes_the_place_of_the_network_s_own() -> None:
    own = backbone("mobilenet_v3_small", size=32)
    assert [m.p for m in own.modules() if isinstance(m, nn.Dropout)] == [0.2]
    ours = backbone("mobilenet_v3_small", size=32, dropout=0.5)
    assert [m.p for m in ours.modules() if isinstance(m, nn.Dropout)] == [0.0, 0.5]


def test_a_frozen_backbone_neither_learns_nor_counts_and_its_head_does() -> None:
    model = backbone(frozen_epochs=2, dropout=0.2)
    body = model.body()
    head = model.network.get_submodule(model.head_name)
    for epoch, frozen in enumerate([True, True, False]):
        begin_epoch(model, epoch)
        assert {parameter.requires_grad for parameter in body.values()} == {not frozen}
        assert all(parameter.requires_grad for parameter in head.parameters())
        norms = [m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        assert norms == [not frozen] * 2
        assert all(layer.training for layer in head.modules())
    model.eval()
    assert not any(layer.training for layer in model.modules())


def test_rates_rise_geometrically_from_the_first_layers_to_the_head() -> None:
    model = backbone("resnet18", size=32, backbone_rate=0.01)
    rates = model.rates()
    assert [rate for rate, _ in rates] == pytest.approx([0.01, 0.01**0.75, 0.1, 0.01**0.25, 1.0])
    first, head = rates[0][1], rates[-1][1]
    assert first[0] is model.network.conv1.weight
    assert {id(one) for one in head} == {id(one) for one in model.network.fc.parameters()}
    learned = [id(parameter) for _, group in rates for parameter in group]
    assert sorted(learned) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "resnet81",
            r"unknown model\.name, got 'resnet81'; did you mean resnet18\? valid: dyn",
        ),
        ("timm/resnet81", r"got 'timm/resnet81'; did you mean timm/resnet\w+\? timm\.list_models"),
        ("no_such_package:net", r"No module named 'no_such_package'; .* PYTHONPATH"),
        (f"{SMALL}:SmallNet", "has no attribute 'SmallNet'"),
        (f"{SMALL}:NOT_CALLABLE", "must be callable, got int"),
    ],
)
def test_a_name_that_nothing_has_is_told(name: str, said: str) -> None:
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    with pytest.raises(ModelError, match=said):
        backbone(name)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "googlenet", "size": 8}, "cannot be built for data.image_size=8 with no argum"),
        ({"name": "vit_b_32", "size": 40}, "indivisible by patch size"),
        ({"arguments": {"widht": 3}}, r"with \{'widht': 3\}: .*unexpected keyword argument"),
        ({"name": f"{SMALL}:no_network"}, "must end with a linear layer or a conv.* got ReLU"),
        ({"name": f"{SMALL}:two_answers"}, r"must give logits of shape \(1, 5\) .* got tuple"),
    ],
)
def test_a_network_that_cannot_be_built_so_is_infeasible(fields: Any, said: str) -> None:
    with pytest.raises(Infeasible, match=said):
        backbone(**fields)
