"""Optimizers that update all parameters in one fused kernel, on CPU and GPU.

Knows nothing of schedules: the learning rate is set before every step.
"""

from __future__ import annotations

import torch._dynamo  # noqa: F401 - the first optimizer imports it: 1.3 s, better before the fork
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from study.config.training import TrainingConfig
from worker.models.backbone import parameter_rates


def build_optimizer(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """AdamW or SGD over all parameters of `model`, which must already be on its device."""
    groups = decay_groups(model, config.weight_decay)
    if config.optimizer == "adamw":
        return AdamW(groups, lr=config.learning_rate, fused=True)
    return SGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters with one weight decay and one rate: what the learning rate is multiplied by.

    Weight decay is for matrices and kernels only.

    Norms and biases have one dimension; pulling them to zero costs accuracy and regularises
    nothing: He et al., Bag of Tricks, https://arxiv.org/abs/1812.01187, section 3.1.
    """
    groups: list[dict[str, object]] = []
    for rate, parameters in parameter_rates(model):
        kernels = [p for p in parameters if p.ndim > 1]
        others = [p for p in parameters if p.ndim <= 1]
        groups.append({"params": kernels, "weight_decay": weight_decay, "rate": rate})
        groups.append({"params": others, "weight_decay": 0.0, "rate": rate})
    return groups
