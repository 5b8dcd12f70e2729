"""The learning rate as a pure function of the step, so that a resumed trial has no state to load.

Knows nothing of optimizers. torch's OneCycleLR divides by zero where the warm-up is exactly one
step and also turns the momentum, which is a parameter of the search here.
"""

from __future__ import annotations

import math

from study.config.training import TrainingConfig

START_DIVISOR = 25.0  # one_cycle begins at the peak divided by this,
FINAL_DIVISOR = 25.0e4  # and ends at the peak divided by this: the defaults of torch's OneCycleLR


def learning_rate(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """Learning rate of `step`, counted from 0 over all epochs."""
    total = config.epochs * steps_per_epoch
    return config.learning_rate * factor(config, step, total, steps_per_epoch)


def factor(config: TrainingConfig, step: int, total: int, steps_per_epoch: int) -> float:
    """What the peak is multiplied by at `step` of `total`."""
    match config.schedule:
        case "one_cycle":
            return one_cycle(step, total, config.warmup)
        case "cosine":
            return between(1.0, 0.0, step / total)
        case "step":
            return config.step_factor ** (step // (config.step_epochs * steps_per_epoch))
        case "constant":
            return 1.0


def one_cycle(step: int, total: int, warmup: float) -> float:
    """Up to 1 in the first `warmup` of the steps, then down; both along half a cosine.

    Smith and Topin, Super-Convergence, https://arxiv.org/abs/1708.07120.
    """
    peak = warmup * total - 1  # step at which the factor is 1; below 0 without a warm-up
    if step < peak:
        return between(1 / START_DIVISOR, 1.0, step / peak)
    last = total - 1
    return between(1.0, 1 / FINAL_DIVISOR, (step - peak) / (last - peak)) if last > peak else 1.0


def between(start: float, end: float, part: float) -> float:
    """Half a cosine from `start` (part 0) to `end` (part 1)."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
