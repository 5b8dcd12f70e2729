from __future__ import annotations

import torch
from torch import nn

from worker.evaluation.logits import predict_logits

IMAGES = torch.randn(7, 1, 2, 2, generator=torch.Generator().manual_seed(0))


def test_logits_come_in_the_order_of_the_batches_and_do_not_depend_on_them() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.9), nn.Linear(4, 3))
    labels = torch.arange(7)
    whole, _ = predict_logits(model, [(IMAGES, labels)], dtype=torch.float32)
    parts, order = predict_logits(
        model, zip(IMAGES.split(3), labels.split(3), strict=True), dtype=torch.float32
    )
    torch.testing.assert_close(parts, whole)
    assert order.tolist() == list(range(7))


def test_logits_are_float32_without_a_gradient_in_any_precision() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    logits, _ = predict_logits(model, [(IMAGES, torch.zeros(7).long())], dtype=torch.bfloat16)
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
