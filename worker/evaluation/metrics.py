"""Metrics as pure functions of logits and labels.

Knows nothing of models, batches and devices; each function that returns a float waits for the
device once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def top_k(logits: Tensor, labels: Tensor, k: int) -> float:
    """Share of pictures whose label is among the k highest logits, in [0, 1].

    logits: (N, C) float; labels: (N,) int64. With fewer than k classes every class counts.
    """
    highest = logits.topk(min(k, logits.shape[1]), dim=1).indices  # (N, k)
    return (highest == labels[:, None]).any(dim=1).double().mean().item()


def cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Mean negative log-likelihood, nats; without smoothing or class weights, so that trials with
    different ones can be compared. NaN or infinite where a logit is."""
    return functional.cross_entropy(logits.double(), labels).item()


def macro_f1(logits: Tensor, labels: Tensor) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN), in [0, 1]; rare classes weigh the same.

    A class that is neither among the labels nor predicted is left out, as in scikit-learn's
    f1_score(average="macro") without given labels.
    """
    n_classes = logits.shape[1]
    predicted = logits.argmax(dim=1)
    hits = torch.bincount(labels[predicted == labels], minlength=n_classes).double()
    sizes = torch.bincount(labels, minlength=n_classes) + torch.bincount(
        predicted, minlength=n_classes
    )  # 2 TP + FP + FN
    present = sizes > 0
    return (2 * hits[present] / sizes[present]).mean().item()


def summarise(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """What a study can search for: loss, accuracy (top-1) and top5."""
    return {
        "loss": cross_entropy(logits, labels),
        "accuracy": top_k(logits, labels, 1),
        "top5": top_k(logits, labels, 5),
    }
