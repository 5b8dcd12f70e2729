"""What happens inside a model while it looks at one picture: feature maps and their gradients.

Works on any module; knows nothing of figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True)
class FeatureMap:
    """What a module gave for a picture."""

    name: str
    """Of the module, for example `blocks.0.0`."""
    module: nn.Module
    values: Tensor
    """(channels, height, width) float32."""
    gradient: Tensor | None
    """Of the class's logit with respect to them, the same shape; None where it does not depend."""


@dataclass(frozen=True)
class Insight:
    """What a model made of one picture."""

    logits: Tensor
    """(n_classes,) float32."""
    label: int
    """The class whose logit the gradients are of: the likeliest."""
    maps: tuple[FeatureMap, ...]
    """Of all modules that gave one, in the order in which they were run."""

    @property
    def convolutions(self) -> tuple[FeatureMap, ...]:
        """As they left two-dimensional convolutions."""
        return tuple(found for found in self.maps if isinstance(found.module, nn.Conv2d))


def look_inside(model: nn.Module, image: Tensor) -> Insight:
    """Runs the model forwards and backwards on one image (1, C, S, S) float32, in float32.

    Leaves the model in evaluation mode and its parameters without gradients.
    """
    model.eval()
    with _noted(model) as seen, torch.enable_grad():
        logits: Tensor = model(image.detach().requires_grad_())[0]
    label = int(logits.argmax())
    outputs = [output for _, _, output in seen]
    gradients: Sequence[Tensor | None] = (
        torch.autograd.grad(logits[label], outputs, allow_unused=True) if outputs else ()
    )
    maps = (
        FeatureMap(
            name, module, output.detach()[0].cpu(), None if found is None else found[0].cpu()
        )
        for (name, module, output), found in zip(seen, gradients, strict=True)
    )
    return Insight(logits.detach().cpu(), label, tuple(maps))


def grad_cam(insight: Insight) -> tuple[str, Tensor] | None:
    """Where the picture speaks for the class: the name of a convolution, and a map (height, width)
    float32 in [0, 1]; None where no convolution keeps places.

    Selvaraju et al., "Grad-CAM", 2017: the channels of the last convolution, as they leave what
    follows it at the same resolution (normalisation, activation, skip connection), are weighed by
    their mean gradient, and their sum is cut off at 0. A transformer's only convolution cuts the
    picture into patches: a map of it would be of pixels, not of what was recognised.
    """
    convolutions = [found for found in insight.convolutions if min(found.values.shape[1:]) > 1]
    if not convolutions or (len(insight.convolutions) == 1 and _cuts_patches(convolutions[0])):
        return None
    last = convolutions[-1]
    following = insight.maps[insight.maps.index(last) :]
    found = [each for each in following if each.values.shape[1:] == last.values.shape[1:]][-1]
    if found.gradient is None:
        return None
    weights = found.gradient.mean(dim=(1, 2))  # (channels,)
    heat = torch.einsum("c,chw->hw", weights, found.values).relu()
    return last.name, heat / heat.max().clamp(min=torch.finfo(heat.dtype).tiny)


def _cuts_patches(found: FeatureMap) -> bool:
    return found.module.stride == found.module.kernel_size


@contextmanager
def _noted(model: nn.Module) -> Iterator[list[tuple[str, nn.Module, Tensor]]]:
    """Notes the output of every module that gives (1, channels, height, width)."""
    seen: list[tuple[str, nn.Module, Tensor]] = []

    def hook(name: str, module: nn.Module) -> RemovableHandle:
        def note(_module: nn.Module, _given: Any, output: Any) -> Any:
            if not isinstance(output, Tensor) or output.ndim != 4:
                return output
            seen.append((name, module, output))
            return output.clone()  # what follows may change it in place

        return module.register_forward_hook(note)

    handles = [hook(name, module) for name, module in model.named_modules() if name]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
