"""What a study may look for beside its metric: how large and how slow a model is.

Both depend on the architecture alone, so any weights do. Knows nothing of training.
"""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from study.config.search import Second
from worker.models.precision import autocast

WARM_UPS = 10  # forwards in which kernels are chosen and caches filled
FORWARDS = 50  # that count; their median passes over what else the machine does


def second_objective(
    kind: Second,
    model: nn.Module,
    *,
    picture: tuple[int, int, int],
    device: torch.device,
    dtype: torch.dtype,
) -> float:
    """Of a model on its device. picture: channels, height, width; dtype: the layers compute in."""
    if kind == "parameters":
        return float(parameters(model))
    return latency(model, picture=picture, device=device, dtype=dtype)


def parameters(model: nn.Module) -> int:
    """Numbers that training can change, in layers that are frozen for a while too."""
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def latency(
    model: nn.Module, *, picture: tuple[int, int, int], device: torch.device, dtype: torch.dtype
) -> float:
    """Median time of a forward pass of one picture, milliseconds. Leaves the model in evaluation
    mode."""
    model.eval()
    images = torch.zeros(1, *picture, device=device).to(memory_format=torch.channels_last)
    times = []
    for _ in range(WARM_UPS + FORWARDS):
        began = time.perf_counter()
        with autocast(device, dtype):
            model(images)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[WARM_UPS:])
