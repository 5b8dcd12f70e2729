"""A convolutional network whose widths grow or shrink by one factor, with a choice of activations.

Knows nothing of data sets: it is told how many channels, pixels and classes there are.
"""

from __future__ import annotations

from torch import Tensor, nn

from study.config.models import PlainCnnConfig
from study.errors import Infeasible
from worker.models.activation import ACTIVATIONS
from worker.models.halving import halved_side

MOST_FILTERS = 8192  # a factor of 4 over 8 layers would ask for two million


class PlainCNN(nn.Module):
    """`conv_layers` blocks of Conv2d, [BatchNorm2d], activation, MaxPool2d(2), then one hidden
    layer."""

    def __init__(
        self, config: PlainCnnConfig, *, channels: int, image_size: int, n_classes: int
    ) -> None:
        """Raises Infeasible where the pictures are too small for the depth, or the last layers
        would have no or too many filters."""
        super().__init__()
        side = halved_side(image_size, config.conv_layers, "model.conv_layers")
        widths = (channels, *filters(config))
        self.blocks = nn.Sequential(
            *(block(config, *widths[layer : layer + 2]) for layer in range(config.conv_layers))
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * side * side, config.dense),
            ACTIVATIONS[config.activation](),
            nn.Dropout(config.dropout),
            nn.Linear(config.dense, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, S, S) float. Returns logits (B, n_classes)."""
        features = self.blocks(images)  # (B, widths[-1], side, side)
        logits: Tensor = self.classifier(features)
        return logits


def block(config: PlainCnnConfig, channels: int, width: int) -> nn.Sequential:
    """(B, channels, H, W) to (B, width, H // 2, W // 2)."""
    norm = [nn.BatchNorm2d(width)] if config.batch_norm else []
    return nn.Sequential(
        nn.Conv2d(channels, width, config.kernel_size, padding=config.kernel_size // 2),
        *norm,
        ACTIVATIONS[config.activation](),
        nn.MaxPool2d(2),
    )


def filters(config: PlainCnnConfig) -> list[int]:
    """Of each block: the first one's times the factor, once more for each, rounded."""
    first, factor = config.first_layer_filters, config.filter_org
    widths = [round(first * factor**layer) for layer in range(config.conv_layers)]
    if not 1 <= min(widths) <= max(widths) <= MOST_FILTERS:
        raise Infeasible(
            f"each layer must have 1 to {MOST_FILTERS} filters, got {widths} from "
            f"model.first_layer_filters={first} and model.filter_org={factor}"
        )
    return widths
