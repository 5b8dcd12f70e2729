"""A small residual network: two convolutions and a way around them, stage after stage.

He et al., Deep Residual Learning, https://arxiv.org/abs/1512.03385, with Dropout2d between the
convolutions of the deeper stages, which have channels to do without. Knows nothing of data sets.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from study.config.models import ResidualCnnConfig
from worker.models.halving import halved_side


class ResidualCNN(nn.Module):
    """A first convolution, `blocks` residual blocks for each of `n_filters`, an average over the
    picture, one linear layer."""

    def __init__(
        self, config: ResidualCnnConfig, *, channels: int, image_size: int, n_classes: int
    ) -> None:
        """Raises Infeasible where the pictures are too small for the number of stages."""
        super().__init__()
        widths = config.n_filters
        halved_side(image_size, len(widths), "the stages of model.n_filters")
        self.stem = nn.Sequential(*normed_convolution(channels, widths[0], stride=2), nn.ReLU())
        self.stages = nn.Sequential()
        for depth, width in enumerate(widths):
            dropout = config.dropout if depth >= len(widths) // 2 else 0.0
            before = widths[max(0, depth - 1)]
            for number in range(config.blocks):
                halves = depth > 0 and number == 0
                inputs = before if number == 0 else width
                self.stages.append(ResidualBlock(inputs, width, halves=halves, dropout=dropout))
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], n_classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, S, S) float. Returns logits (B, n_classes)."""
        logits: Tensor = self.classifier(self.stages(self.stem(images)))
        return logits


class ResidualBlock(nn.Module):
    """relu(two convolutions + the input), (B, channels, H, W) to (B, width, H', W')."""

    def __init__(self, channels: int, width: int, *, halves: bool, dropout: float) -> None:
        """halves: H' and W' are half of H and W, rounded up. dropout: of whole channels."""
        super().__init__()
        stride = 2 if halves else 1
        self.convolutions = nn.Sequential(
            *normed_convolution(channels, width, stride=stride),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            *normed_convolution(width, width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if halves or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, features: Tensor) -> Tensor:
        """features: (B, channels, H, W)."""
        return functional.relu(self.convolutions(features) + self.shortcut(features))


def normed_convolution(channels: int, width: int, *, stride: int = 1) -> tuple[nn.Module, ...]:
    """3x3 without a bias, which the normalisation would take away again."""
    return (
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
    )
