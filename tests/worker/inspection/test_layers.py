"""Feature maps and Grad-CAM of models whose answer depends on a known place."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from worker.inspection.layers import grad_cam, look_inside


class Corner(nn.Module):
    """Answers by how bright the upper left quarter is; changes feature maps in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.activation = nn.ReLU(inplace=True)
        with torch.no_grad():
            self.first.weight.zero_()
            self.first.weight[0, 0, 1, 1] = 1.0
            self.first.bias.zero_()  # type: ignore[union-attr]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, 8, 8) to (B, 2)."""
        features = self.activation(self.first(images))
        corner = features[:, 0, :4, :4].mean(dim=(1, 2))
        return torch.stack([corner, -corner], dim=1)


def test_the_map_is_highest_where_the_answer_comes_from() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 1, 2] = 1.0
    insight = look_inside(Corner(), image)
    assert insight.label == 0
    found = grad_cam(insight)
    assert found is not None
    name, heat = found
    assert name == "first"
    assert heat.shape == (8, 8)
    assert divmod(int(heat.argmax()), 8) == (1, 2)
    assert (heat.min(), heat.max()) == (0.0, 1.0)


def test_maps_are_as_they_left_their_module_although_they_are_changed_in_place() -> None:
    insight = look_inside(Corner(), -torch.ones(1, 1, 8, 8))
    (convolution,) = insight.convolutions
    assert convolution.values[0].max() == -1.0
    assert [found.name for found in insight.maps] == ["first", "activation"]
    assert insight.maps[1].values.max() == 0.0


@pytest.mark.parametrize(
    ("build", "last", "side"),
    [
        (torchvision.models.resnet18, "layer4.1.conv2", 2),
        (torchvision.models.mobilenet_v3_small, "features.12.0", 2),
    ],
)
def test_a_backbone_has_a_map_of_its_last_convolution(
    build: type[nn.Module], last: str, side: int
) -> None:
    torch.manual_seed(0)
    model = build(num_classes=4)
    insight = look_inside(model, torch.randn(1, 3, 64, 64))
    found = grad_cam(insight)
    assert found is not None
    assert (found[0], found[1].shape) == (last, (side, side))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_transformer_has_no_map() -> None:
    model = torchvision.models.VisionTransformer(
        image_size=32,
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=16,
        num_classes=3,
    )
    insight = look_inside(model, torch.randn(1, 3, 32, 32))
    assert [found.name for found in insight.convolutions] == ["conv_proj"]
    assert grad_cam(insight) is None
