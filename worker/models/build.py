"""From a model's configuration to the model, with fresh weights.

Knows nothing of training; seed torch first where the weights must be the same again.
"""

from __future__ import annotations

from torch import nn

from study.config.models import ModelConfig
from worker.models.dynamic_cnn import DynamicCNN


def build_model(
    config: ModelConfig, *, channels: int, image_size: int, n_classes: int
) -> nn.Module:
    """A model from (B, channels, image_size, image_size) float32 to logits (B, n_classes).

    On the CPU. Raises Infeasible where the parameters cannot be built into a model.
    """
    return DynamicCNN(config, channels=channels, image_size=image_size, n_classes=n_classes)
