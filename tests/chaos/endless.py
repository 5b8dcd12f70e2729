"""A network whose steps never end: what a worker is in the middle of stays that way."""

from __future__ import annotations

import threading

from torch import Tensor

from tests.worker.models.small_network import SmallNetwork

REHEARSED = 2  # pictures, of a process that is warm


class Endless(SmallNetwork):
    """Answers as usual but in training."""

    def forward(self, images: Tensor) -> Tensor:
        if self.training and len(images) > REHEARSED:
            print("an endless step", flush=True)  # noqa: T201 - to the worker's log
            threading.Event().wait()
        return super().forward(images)
