"""The section `model`: one record for each kind of network, with every default.

Knows nothing of how a network is built (worker/models).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from study.config.constraints import Misfit, OddSide
from study.config.record import Record


class DynamicCnnConfig(Record):
    """`n_layers` blocks of Conv2d, BatchNorm2d, ReLU, MaxPool2d, then one hidden layer."""

    name: Literal["dynamic_cnn"] = "dynamic_cnn"
    n_layers: Annotated[int, Field(ge=1, le=8)] = 3
    n_filters: tuple[Annotated[int, Field(ge=1, le=2048)], ...] = (32, 64, 128, 256)
    """Filters per block; the first n_layers count."""
    kernel_sizes: tuple[OddSide, ...] = (3, 3, 3, 3)
    """Odd kernel sides per block, pixels; the first n_layers count."""
    fc_size: Annotated[int, Field(ge=1, le=8192)] = 256
    """Units of the hidden layer."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2

    @model_validator(mode="after")
    def _enough(self) -> DynamicCnnConfig:
        for name, values in (("n_filters", self.n_filters), ("kernel_sizes", self.kernel_sizes)):
            if len(values) < self.n_layers:
                raise Misfit(
                    "n_layers",
                    f"must be at most {len(values)}, for {name} lists no more, got {self.n_layers}",
                )
        return self


ModelConfig = DynamicCnnConfig
"""Becomes a union discriminated by `name` with the second model."""
