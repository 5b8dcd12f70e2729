"""What a step computes of a part of a batch, as the model is written or compiled.

The model itself stays as it is, and with it the names of its weights: what is compiled is the way
through it. Knows nothing of gradients, optimizers and where compiled code is kept (compiler.py).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from study.errors import ModelError
from worker.models.precision import autocast
from worker.training.compiler import missing
from worker.training.loss import Loss

Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From images (B, C, S, S) float32 and targets as Loss.sum takes them to the summed loss, ()
float32 with a gradient, and the logits it is of, (B, n_classes) float32 without one."""


def as_written(model: nn.Module, loss: Loss, device: torch.device, dtype: torch.dtype) -> Forward:
    """One kernel after the other; layers compute in `dtype` where that is safe."""

    def forward(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        with autocast(device, dtype):
            logits = model(images)
        logits = logits.float()
        return loss.sum(logits, targets), logits.detach()

    return forward


def compiled(forward: Forward, device: torch.device, *, in_parts: bool) -> Forward:
    """The same in fused kernels, compiled when a shape is first met; on a GPU one CUDA graph
    forward and one backward, which cost one launch each.

    What was compiled before, of another model or stage, is forgotten: torch holds 8 versions of a
    function, and beyond them runs it as it is written. in_parts: a batch comes in several calls,
    whose gradients add up; they would lie in memory that the next replay of a graph overwrites, so
    there are no graphs. Raises ModelError where nothing can be compiled.
    """
    if lacking := missing(device):
        raise ModelError(
            f"training.compile=always needs {lacking}, which this machine lacks: install it, or "
            "set training.compile to auto or never"
        )
    torch.compiler.reset()
    graphs = device.type == "cuda" and not in_parts
    # dynamic: a batch cut off by accumulation is a second shape, not a reason for slower kernels
    fused = torch.compile(forward, dynamic=False, mode="reduce-overhead" if graphs else "default")
    if not graphs:
        return fused

    def replayed(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        loss, logits = fused(images, targets)
        return loss, logits.clone()  # an epoch's logits are held; the next replay overwrites them

    return replayed
