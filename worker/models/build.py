"""From a model's configuration to the model, with fresh weights.

Knows nothing of training; seed torch first where the weights must be the same again.
"""

from __future__ import annotations

from torch import nn

from study.config.models import (
    AlexNetBnConfig,
    BackboneConfig,
    DynamicCnnConfig,
    ModelConfig,
    PlainCnnConfig,
    ResidualCnnConfig,
)
from worker.models.alexnet_bn import AlexNetBN
from worker.models.dynamic_cnn import DynamicCNN
from worker.models.library import build_backbone
from worker.models.plain_cnn import PlainCNN
from worker.models.residual_cnn import ResidualCNN


def build_model(
    config: ModelConfig, *, channels: int, image_size: int, n_classes: int
) -> nn.Module:
    """A model from (B, channels, image_size, image_size) float32 to logits (B, n_classes).

    channels: 1 or 3; a backbone takes either. On the CPU. Raises Infeasible where the parameters
    cannot be built into a model, ModelError where there is no such backbone.
    """
    match config:
        case BackboneConfig():
            return build_backbone(config, image_size=image_size, n_classes=n_classes)
        case DynamicCnnConfig():
            build: type[nn.Module] = DynamicCNN
        case PlainCnnConfig():
            build = PlainCNN
        case AlexNetBnConfig():
            build = AlexNetBN
        case ResidualCnnConfig():
            build = ResidualCNN
    return build(config, channels=channels, image_size=image_size, n_classes=n_classes)
