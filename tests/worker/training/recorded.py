"""One trial of the tiny problem, run as often as a test wants, and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from study.config.records import StudyConfig
from study.lease import Intermediate
from worker.data.batches import Batches
from worker.models.weights import load_weights
from worker.training.checkpoint import Checkpoints
from worker.training.epoch import Overseer
from worker.training.fit import Fold, Outcome, fit
from worker.training.progress import Best, EpochResult

TIMINGS = ("images_per_second", "seconds")


class Recorder:
    """An overseer that stops before it is asked for the `stop_at`th time and prunes after an epoch;
    notes what it is told."""

    def __init__(
        self, directory: Path, stop_at: float = math.inf, prune_after: int | None = None
    ) -> None:
        self.directory, self.stop_at, self.prune_after = directory, stop_at, prune_after
        self.asked = 0
        self.steps = 0
        self.results: list[EpochResult] = []
        self.compared: dict[int, float] = {}
        self.trained_after: dict[int, float] = {}  # value by the number of epochs told before

    def stop_requested(self) -> bool:
        self.asked += 1
        return self.asked >= self.stop_at

    def step_done(self) -> None:
        self.steps += 1

    def trained(self, value: float) -> None:
        self.trained_after[len(self.results)] = value

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> None:
        assert (self.directory / checkpoint).exists()
        self.results.append(result)
        if intermediate is not None:
            self.compared[intermediate.step] = intermediate.value

    def may_go_on(self) -> bool:
        return self.results[-1].epoch != self.prune_after


class Trial:
    """One trial in a directory; every run is a process of its own as far as the loop can tell."""

    def __init__(
        self, config: StudyConfig, directory: Path, batches: tuple[Batches, Batches], build: Any
    ) -> None:
        self.config, self.directory, self.batches, self.build = config, directory, batches, build
        self.results: dict[int, EpochResult] = {}
        self.reported: list[int] = []
        self.compared: dict[int, float] = {}
        self.trained_after: dict[int, float] = {}
        self.steps = 0
        self.opened: list[int] = []
        self.closed: list[int] = []
        self.seeds: tuple[int, ...] = ()  # of each fold's weights, where they are to differ

    def run(self, stop_at: float = math.inf, prune_after: int | None = None) -> Outcome:
        recorder = Recorder(self.directory, stop_at, prune_after)
        outcome = self.run_with(recorder)
        self.results |= {result.epoch: result for result in recorder.results}
        self.reported += [result.epoch for result in recorder.results]
        self.compared |= recorder.compared
        self.trained_after |= recorder.trained_after
        self.steps += recorder.steps
        return outcome

    def run_in_legs(self, stops: Sequence[int]) -> Outcome:
        """Stopped after so many steps again and again, each time in another process; to the end."""
        for leg in stops:
            torch.manual_seed(leg)  # another process has another random state
            self.run(stop_at=leg)
        return self.run()

    def run_with(self, overseer: Overseer) -> Outcome:
        checkpoints = Checkpoints(self.directory, fingerprint="f", token=1)
        return fit(self.open_fold, config=self.config, checkpoints=checkpoints, overseer=overseer)

    @contextmanager
    def open_fold(self, number: int) -> Iterator[Fold]:
        self.opened.append(number)
        config = self.config
        if self.seeds:
            seeded = config.training.model_copy(update={"seed": self.seeds[number]})
            config = config.model_copy(update={"training": seeded})
        yield Fold(self.build(config), *self.batches, close=lambda: self.closed.append(number))

    def saved_model(self) -> dict[str, Tensor]:
        """The model's state in the last checkpoint."""
        found = Checkpoints(self.directory, fingerprint="f", token=1).restore()
        assert found is not None
        model: dict[str, Tensor] = found[1]["model"]
        return model

    def weights(self, best: Best) -> dict[str, Tensor]:
        """The weights kept of an epoch."""
        return load_weights(self.directory / best.weights).state

    def numbers(self) -> list[dict[str, float]]:
        """Every metric of every epoch, without those that measure time."""
        return [
            {name: value for name, value in result.metrics.items() if name not in TIMINGS}
            for _, result in sorted(self.results.items())
        ]


NewTrial = Callable[..., Trial]
