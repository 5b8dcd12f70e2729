"""Activation functions by the names that a configuration uses. Knows nothing of networks."""

from __future__ import annotations

from torch import nn

from study.config.models import Activation

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
}
