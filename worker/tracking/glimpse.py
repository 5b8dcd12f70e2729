"""What a model is like inside: its weights, and what one batch of pictures makes of it.

One pass over a few pictures in evaluation mode, forward and backward: nothing of the training
changes, neither weights, running means nor random numbers. Knows nothing of trackers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.config.tracking import Detail
from worker.tracking.tracker import Pixels, Values

PICTURES = 16
SAMPLED = 4096  # values of each tensor, evenly spaced: the shape of a histogram needs no more


def histograms(
    model: nn.Module, batch: tuple[Tensor, Tensor], details: Collection[Detail]
) -> dict[str, Values]:
    """By name: `weights/blocks.0.weight`, `gradients/...`, `activations/...` of each layer that has
    no others in it. Values that are not finite are left out. Leaves the model in evaluation mode.

    batch: images (B, C, S, S) float32 and labels as a loss takes them, on the model's device.
    """
    found: dict[str, Tensor] = {}
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if "weights" in details:
        found |= {f"weights/{name}": value for name, value in trained.items()}
    if "gradients" in details or "activations" in details:
        images, labels = batch[0][:PICTURES], batch[1][:PICTURES]
        model.eval()
        with _recorded(model) as activations, torch.enable_grad():
            loss = functional.cross_entropy(model(images).float(), labels)
        if "activations" in details:
            found |= {f"activations/{name}": value for name, value in activations.items()}
        if "gradients" in details:
            gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
            found |= {
                f"gradients/{name}": value
                for name, value in zip(trained, gradients, strict=True)
                if value is not None
            }
    sampled = {name: _sample(value) for name, value in found.items()}
    return {name: values for name, values in sampled.items() if len(values)}


def pictures(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Pixels:
    """The first pictures of a batch (B, C, S, S) as they were before they were normalised."""
    shown = images[:PICTURES].permute(0, 2, 3, 1).float().cpu()
    pixels = (shown * torch.tensor(std) + torch.tensor(mean)) * 255
    return pixels.round().clamp(0, 255).to(torch.uint8).numpy()


@contextmanager
def _recorded(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Outputs of the innermost layers, by name."""
    outputs: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            outputs[name] = output

    hooks = [
        layer.register_forward_hook(lambda _layer, _given, output, name=name: keep(name, output))
        for name, layer in model.named_modules()
        if not any(layer.children())
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def _sample(tensor: Tensor) -> Values:
    flat = tensor.detach().flatten()
    values = flat[:: -(-flat.numel() // SAMPLED) or 1].float().cpu().numpy()
    finite: Values = values[np.isfinite(values)]
    return finite
