"""What validation found beyond an epoch's metrics: what was taken for what, and the worst mistakes.

Knows nothing of models; a best epoch's weights carry it (training/fit.py), so that whoever finishes
the trial can say what they did without measuring them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worker.evaluation.metrics import class_figures, confusion_matrix

KEPT_MISTAKES = 24  # what a page of pictures shows


class Wrong(TypedDict):
    """A picture that was taken for another class."""

    row: int
    """Of the packed data set."""
    true: int
    predicted: int
    confidence: float
    """Probability of the wrong class, in [0, 1]."""


class Found(TypedDict):
    """Tensors on the CPU and plain values, for a file of tensors."""

    confusion: Tensor
    """As worker.evaluation.metrics.confusion_matrix has it."""
    mistakes: list[Wrong]
    """The KEPT_MISTAKES with the highest confidence, the worst first."""


@torch.no_grad()
def find(logits: Tensor, labels: Tensor, rows: NDArray[np.int64]) -> Found:
    """logits: (N, C) float32; labels: (N,) int64; rows: (N,), of the pictures behind them."""
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    wrong = torch.where(predicted != labels, confidence, -1.0)
    worst = wrong.topk(min(KEPT_MISTAKES, len(wrong)))
    told = torch.stack(
        [worst.values.double(), worst.indices, labels[worst.indices], predicted[worst.indices]]
    )  # (4, K) float64: one copy to the host
    return Found(
        confusion=confusion_matrix(logits, labels).cpu(),
        mistakes=[
            Wrong(
                row=int(rows[int(index)]),
                true=int(true),
                predicted=int(taken),
                confidence=sure,
            )
            for sure, index, true, taken in told.t().tolist()
            if sure >= 0
        ],
    )


def describe(
    found: Found, metrics: Mapping[str, float], classes: Sequence[str], names: Sequence[str]
) -> dict[str, object]:
    """The content of a trial's result.json.

    names: each row's file inside the source. Metrics that are not finite are left out: JSON has no
    word for them.
    """
    figures = class_figures(found["confusion"])
    columns = torch.stack([figures.precision, figures.recall, figures.f1], dim=1).tolist()
    support = figures.support.int().tolist()
    return {
        "classes": list(classes),
        "confusion": found["confusion"].tolist(),
        "per_class": {
            name: {"precision": precision, "recall": recall, "f1": f1, "support": pictures}
            for name, (precision, recall, f1), pictures in zip(
                classes, columns, support, strict=True
            )
        },
        "low_support": low_support(found, classes),
        "metrics": {name: value for name, value in metrics.items() if np.isfinite(value)},
        "mistakes": [
            {
                "name": names[wrong["row"]],
                "true": classes[wrong["true"]],
                "predicted": classes[wrong["predicted"]],
                "confidence": wrong["confidence"],
            }
            for wrong in found["mistakes"]
        ],
    }


def low_support(found: Found, classes: Sequence[str]) -> list[str]:
    """The classes of which there are too few pictures for their figures to mean much."""
    supported = class_figures(found["confusion"]).supported.tolist()
    return [name for name, enough in zip(classes, supported, strict=True) if not enough]
