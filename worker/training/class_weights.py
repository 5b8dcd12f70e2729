"""What each class weighs in the loss, from how many training pictures it has.

Only the proportions count: the loss divides by the weights of its pictures. Knows nothing of the
loss (loss.py).
"""

from __future__ import annotations

import torch
from torch import Tensor

from study.config.training import TrainingConfig


def class_weights(config: TrainingConfig, class_counts: tuple[int, ...]) -> Tensor | None:
    """Weight of each class, (n_classes,) float32; None where all weigh alike.

    A class without training pictures weighs 0.
    """
    match config.class_weights:
        case "inverse":
            return inverse_frequency(class_counts)
        case "effective_number":
            return effective_number(class_counts, config.effective_number_beta)
        case "none":
            return None


def inverse_frequency(class_counts: tuple[int, ...]) -> Tensor:
    """Pictures / (classes * its pictures): scikit-learn's `balanced`."""
    counts = torch.tensor(class_counts, dtype=torch.float32)
    weights = counts.sum() / (len(class_counts) * counts)
    return torch.where(counts > 0, weights, 0.0)


def effective_number(class_counts: tuple[int, ...], beta: float) -> Tensor:
    """(1 - beta) / (1 - beta ** its pictures), scaled to a sum of the number of classes.

    Cui et al., Class-Balanced Loss Based on Effective Number of Samples,
    https://arxiv.org/abs/1901.05555, equation 3 and section 4.
    """
    counts = torch.tensor(class_counts, dtype=torch.float64)
    weights = torch.where(counts > 0, (1 - beta) / (1 - beta**counts), 0.0)
    return (weights * (len(class_counts) / weights.sum())).float()
