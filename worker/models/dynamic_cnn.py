"""A convolutional network whose depth and widths are parameters of the search.

Knows nothing of data sets: it is told how many channels, pixels and classes there are.
"""

from __future__ import annotations

from torch import Tensor, nn

from study.config.models import DynamicCnnConfig
from worker.models.halving import halved_side


class DynamicCNN(nn.Module):
    """`n_layers` blocks of Conv2d, BatchNorm2d, ReLU, MaxPool2d(2), then one hidden layer."""

    def __init__(
        self, config: DynamicCnnConfig, *, channels: int, image_size: int, n_classes: int
    ) -> None:
        """Raises Infeasible where the pictures are too small for the depth."""
        super().__init__()
        side = halved_side(image_size, config.n_layers, "model.n_layers")
        widths = (channels, *config.n_filters[: config.n_layers])
        self.blocks = nn.Sequential(
            *(
                ConvolutionBlock(widths[layer], widths[layer + 1], config.kernel_sizes[layer])
                for layer in range(config.n_layers)
            )
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1] * side * side, config.fc_size),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(config.fc_size, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, S, S) float. Returns logits (B, n_classes)."""
        features = self.blocks(images)  # (B, widths[-1], side, side)
        logits: Tensor = self.classifier(features)
        return logits


class ConvolutionBlock(nn.Sequential):
    """(B, channels, H, W) to (B, filters, H // 2, W // 2)."""

    def __init__(self, channels: int, filters: int, kernel_size: int) -> None:
        """kernel_size: odd."""
        super().__init__(
            nn.Conv2d(channels, filters, kernel_size, padding=kernel_size // 2),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )

    def forward(self, images: Tensor) -> Tensor:
        """While it trains it pools before ReLU: the same numbers and gradients, for the largest of
        four stays the largest, from a quarter of the values. On a CPU a step is a tenth faster."""
        convolution, norm, activation, pool = self
        if self.training:
            activation, pool = pool, activation
        features: Tensor = pool(activation(norm(convolution(images))))
        return features
