"""What a network makes of pictures on the way to its answer: features of some of its layers.

Works on any module; knows nothing of what is done with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTIONS = 4  # of which features are noted: the first, the last, and evenly in between

LAST = "last"  # the layer of features that every model has
Features = dict[str, Tensor]
"""By layer: (B, D) float32, on the model's device."""


@contextmanager
def noted(model: nn.Module) -> Iterator[Features]:
    """Within the block, holds the features of the model's latest forward.

    Of convolutions mean and standard deviation of each channel over all places; of the last linear
    layer what it is fed with, and of a model without one its logits.
    """
    features: Features = {}

    def moments(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(_module: nn.Module, _given: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4:
                features[name] = _moments(output)

        return note

    def fed(_module: nn.Module, given: tuple[Tensor]) -> None:
        features[LAST] = given[0].float().flatten(1)

    def answered(_module: nn.Module, _given: Any, output: Tensor) -> None:
        features[LAST] = output.float()

    last = last_linear(model)
    handles = [
        *(part.register_forward_hook(moments(name)) for name, part in _some_convolutions(model)),
        model.register_forward_hook(answered)
        if last is None
        else last.register_forward_pre_hook(fed),
    ]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def last_linear(model: nn.Module) -> nn.Linear | None:
    """What is fed with the model's own description of a picture; None where it has none."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return linear[-1] if linear else None


def _some_convolutions(model: nn.Module) -> list[tuple[str, nn.Module]]:
    found = [each for each in model.named_modules() if isinstance(each[1], nn.Conv2d)]
    count = min(CONVOLUTIONS, len(found))
    return [found[round(place * (len(found) - 1) / max(1, count - 1))] for place in range(count)]


def _moments(output: Tensor) -> Tensor:
    """(B, 2 C) float32 of (B, C, H, W)."""
    places = output.float()
    mean = places.mean(dim=(2, 3), keepdim=True)
    variance = (places - mean).square_().mean(dim=(2, 3))  # half the time of Tensor.std on a CPU
    return torch.cat([mean.flatten(1), variance.sqrt()], dim=1)
