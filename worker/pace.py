"""How many pictures a second go through steps, of training or of anything else.

Knows nothing of what a step does.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from study.config.records import StudyConfig
from worker.data.batches import Batches
from worker.training.learner import Learner
from worker.training.schedule import learning_rate

Step = Callable[[int, Tensor, Tensor], None]
"""What is done with the n-th batch: images (B, C, S, S) and labels (B,)."""


class Pace:
    """Steps through one epoch after another for as long as it is asked to."""

    def __init__(self, batches: Batches, device: torch.device, step: Step) -> None:
        self._batches = _endless(batches)
        self._device = device
        self._step = step

    def keep(self, seconds: float) -> float:
        """Pictures per second, all of them computed, over so many seconds and at least a step."""
        began, images = time.perf_counter(), 0
        for number in itertools.count():
            pixels, labels = next(self._batches)
            self._step(number, pixels, labels)
            images += len(labels)
            if time.perf_counter() - began > seconds:
                break
        if self._device.type == "cuda":  # not in each step: a small one would take twice as long
            torch.cuda.synchronize(self._device)
        return images / (time.perf_counter() - began)


def training(learner: Learner, batches: Batches, config: StudyConfig, device: torch.device) -> Pace:
    """Of training steps, in the epoch in which all that ever learns does."""
    learner.begin_epoch(config.training.epochs - 1)
    steps = config.training.epochs * batches.steps  # beyond them there is no learning rate

    def step(number: int, images: Tensor, labels: Tensor) -> None:
        learner.step(images, labels, learning_rate(config.training, number % steps, batches.steps))

    return Pace(batches, device, step)


def _endless(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    for epoch in itertools.count():
        yield from batches.epoch(epoch)
