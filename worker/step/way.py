"""How long a step of a study takes when it is computed in one way: in a number format, compiled or
not.

The steps are those of a trial, on pictures that are all zero and with a learning rate of zero.
Knows nothing of what is decided by it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

import torch

from study.config.records import StudyConfig
from worker.assigned import new_learner
from worker.data.store import Store
from worker.models.precision import Format

Name = TypeVar("Name", bound=str)

ROUNDS = 5  # a median of which neither a busy moment at the start nor one at the end decides
TURN_SECONDS = 0.1  # of one way in one round, and at least one step
WARM_STEPS = 3  # kernels are chosen, buffers made; a CUDA graph is warmed up, recorded, replayed


class Way:
    """A trial's learner and a batch for it."""

    def __init__(
        self,
        config: StudyConfig,
        store: Store,
        device: torch.device,
        *,
        precision: Format,
        compiled: bool,
    ) -> None:
        """config: of one trial without stages. Raises what training does."""
        self.precision = precision
        self._device = device
        said = {"precision": precision, "compile": "always" if compiled else "never"}
        training = config.training.model_copy(update=said)
        config = config.model_copy(update={"training": training})
        self._learner = new_learner(config, store, device)
        # the last epoch: by then all that ever learns does
        self._learner.begin_epoch(training.epochs - 1)
        batch, size = training.batch_size, config.data.image_size
        images = torch.zeros((batch, store.manifest.channels, size, size), device=device)
        self._images = images.contiguous(memory_format=torch.channels_last)
        self._labels = torch.zeros(batch, dtype=torch.int64, device=device)
        began = time.perf_counter()
        self._steps(WARM_STEPS)
        self.warm_up_seconds = time.perf_counter() - began
        """Of the first steps, in which everything that is compiled is."""
        self.step_seconds = min(self._steps(1), self._steps(1))
        """A first estimate: the one that less came between."""

    def turn(self) -> float:
        """Seconds of a step, the mean over a turn."""
        return self._steps(max(1, round(TURN_SECONDS / max(self.step_seconds, 1e-6))))

    def _steps(self, count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            self._learner.step(self._images, self._labels, 0.0)
        if self._device.type == "cuda":  # not after each: a small one would take twice as long
            torch.cuda.synchronize(self._device)
        return (time.perf_counter() - began) / count


def in_turns(ways: Mapping[Name, Way]) -> dict[Name, tuple[float, ...]]:
    """Seconds of a step by name, a value for each round: all suffer alike from what else runs."""
    rounds: dict[Name, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            rounds[name].append(way.turn())
    return {name: tuple(seconds) for name, seconds in rounds.items()}
