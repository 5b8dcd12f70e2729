"""Optimizers that update all parameters in one fused kernel, on CPU and GPU.

Knows nothing of schedules: the learning rate is set before every step; and nothing of the compiler:
what is compiled is the way through the model (forward.py).
"""

from __future__ import annotations

import inspect
from typing import TypeVar, cast

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from study.config.training import TrainingConfig
from worker.models.backbone import parameter_rates

Kind = TypeVar("Kind", bound=Optimizer)

WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def plain(kind: type[Kind]) -> type[Kind]:
    """`kind` as it is without the wrappers that tell the compiler what is not for it: their first
    call imports it, 70 MiB and 1.3 s, in processes that compile nothing as well
    (torch/_compile.py, torch/optim/optimizer.py)."""
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    step = torch.no_grad()(inspect.unwrap(kind.step))  # which the wrapper of a step sees to, too
    return cast(type[Kind], type(kind.__name__, (kind,), {**methods, "step": step}))


PlainAdamW, PlainSGD = plain(AdamW), plain(SGD)


def build_optimizer(model: nn.Module, config: TrainingConfig) -> Optimizer:
    """AdamW or SGD over all parameters of `model`, which must already be on its device."""
    groups = decay_groups(model, config.weight_decay)
    if config.optimizer == "adamw":
        return PlainAdamW(groups, lr=config.learning_rate, fused=True)
    return PlainSGD(groups, lr=config.learning_rate, momentum=config.momentum, fused=True)


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
