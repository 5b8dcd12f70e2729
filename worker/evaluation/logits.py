"""A model's logits for a sequence of batches.

Knows nothing of metrics; they are computed from what this returns.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from worker.models.precision import autocast


@torch.no_grad()
def predict_logits(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], *, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Logits (N, C) float32 and labels (N,) int64, on the batches' device, in their order.

    batches: images (B, C, S, S) float32 and labels (B,) int64 on the model's device.
    dtype: what the layers compute in. Leaves the model in evaluation mode.
    """
    model.eval()
    logits, labels = [], []
    for images, batch_labels in batches:
        with autocast(images.device, dtype):
            logits.append(model(images).float())
        labels.append(batch_labels)
    return torch.cat(logits), torch.cat(labels)
