"""How sure of itself a model is on pictures of its own kind: what another picture is judged by.

A classifier always answers. The log-sum-exp of its logits (the negative free energy of Liu et al.,
"Energy-based Out-of-distribution Detection", 2020) is high for pictures like those it was trained
on; promotion notes how high it is on the validation split, which the model has not been fitted to.
Knows nothing of pictures.
"""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor

QUANTILE = 0.01
"""Share of the validation split that would be called unlike the training data."""


class Calibration(TypedDict):
    """Measured on the validation split."""

    log_sum_exp: float
    """Of the logits; what is below is unlike the training data."""
    quantile: float
    """Share of the split that is below."""
    pictures: int
    """In the split."""


def calibrate(logits: Tensor) -> Calibration:
    """logits: (N, C) float, of the whole validation split."""
    scores = logits.double().logsumexp(dim=1)
    return Calibration(
        log_sum_exp=torch.quantile(scores, QUANTILE).item(),
        quantile=QUANTILE,
        pictures=len(logits),
    )


def is_unlike(logits: Tensor, calibration: Calibration) -> Tensor:
    """(N,) bool: which of the pictures behind the logits (N, C) are unlike the training data."""
    return logits.double().logsumexp(dim=1) < calibration["log_sum_exp"]


def entropy(logits: Tensor) -> Tensor:
    """(N,) float: of the softmax of logits (N, C), nats; log(C) where all classes are as likely."""
    logs = logits.double().log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1)
