"""AlexNet with batch normalisation after every layer but the last.

The layers are those of Krizhevsky, One weird trick, https://arxiv.org/abs/1404.5997, as in
torchvision, with a third hidden layer. Knows nothing of data sets.
"""

from __future__ import annotations

from torch import Tensor, nn

from study.config.models import AlexNetBnConfig
from study.errors import Infeasible

SMALLEST = 63  # pixels: the last pooling of a smaller picture would have nothing to pool
POOLED = 6  # side of the feature map that the hidden layers see, pixels


class AlexNetBN(nn.Module):
    """Five convolutions, pooled to 6 x 6 whatever the picture's size, and three hidden layers."""

    def __init__(
        self, config: AlexNetBnConfig, *, channels: int, image_size: int, n_classes: int
    ) -> None:
        """Raises Infeasible where the pictures are too small."""
        super().__init__()
        if image_size < SMALLEST:
            raise Infeasible(
                f"alexnet_bn needs pictures of {SMALLEST} pixels or more, "
                f"got data.image_size={image_size}"
            )
        self.features = nn.Sequential(
            *convolution(channels, 64, 11, stride=4, padding=2),
            nn.MaxPool2d(3, stride=2),
            *convolution(64, 192, 5, padding=2),
            nn.MaxPool2d(3, stride=2),
            *convolution(192, 384, 3, padding=1),
            *convolution(384, 256, 3, padding=1),
            *convolution(256, 256, 3, padding=1),
            nn.MaxPool2d(3, stride=2),
            nn.AdaptiveAvgPool2d(POOLED),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(config.dropout),
            *hidden(256 * POOLED * POOLED, 4096),
            nn.Dropout(config.dropout),
            *hidden(4096, 4096),
            *hidden(4096, 512),
            nn.Linear(512, n_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, S, S) float. Returns logits (B, n_classes)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits


def convolution(
    channels: int, filters: int, kernel_size: int, *, stride: int = 1, padding: int
) -> tuple[nn.Module, ...]:
    """Conv2d, BatchNorm2d, ReLU."""
    return (
        nn.Conv2d(channels, filters, kernel_size, stride=stride, padding=padding),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
    )


def hidden(inputs: int, units: int) -> tuple[nn.Module, ...]:
    """Linear, BatchNorm1d, ReLU."""
    return nn.Linear(inputs, units), nn.BatchNorm1d(units), nn.ReLU(inplace=True)
