"""How long a device waits between two epochs of a trial: for files, or for a copy of its state.

    .venv/bin/python -m bench.between_epochs [--size 64]

Trains on the same batch for ever and writes to a temporary folder what a trial writes: the best
weights and a checkpoint, both durable. A trial waits for them where its model is looked into
(`tracking.details`), which is how it is made to wait here. Without a ledger, whose answer is waited
for in the same way.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.command import arguments_of, finish
from bench.section import Section, Values, ratios, spread
from bench.step import CLASSES, MODELS, learner, models_parser_for
from bench.turns import settle
from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from study.cores import cores
from worker.assigned import set_up
from worker.models.device import resolve_device
from worker.training.checkpoint import Checkpoints
from worker.training.fit import Fold, fit

WAITS, GOES_ON = "waits for the files", "goes on"


class SameBatch:
    """An epoch of so many times the same pictures, which notes when it was begun and left."""

    def __init__(self, given: argparse.Namespace, steps: int, device: torch.device) -> None:
        self.steps, self.images = steps, steps * given.batch
        self.rows = np.arange(self.images)
        self.begun: list[float] = []
        self.left: list[float] = []
        shape = (given.batch, 3, given.size, given.size)
        pictures = torch.randn(shape, device=device).to(memory_format=torch.channels_last)
        self._batch = pictures, torch.arange(given.batch, device=device) % CLASSES

    def epoch(self, _epoch: int, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See Batches."""
        self.begun.append(time.perf_counter())
        yield from itertools.repeat(self._batch, self.steps - start_step)
        self.left.append(time.perf_counter())

    def for_training(self, _: TrainingConfig) -> SameBatch:
        """See Batches."""
        return self

    def close(self) -> None:
        """See Batches."""


class Unattended:
    """Lets every trial go on."""

    def stop_requested(self) -> bool:
        """See Overseer."""
        return False

    def step_done(self) -> None:
        """See Overseer."""

    def trained(self, value: float) -> None:
        """See Overseer."""

    def epoch_done(self, *_: object) -> None:
        """See Overseer."""

    def may_go_on(self) -> bool:
        """See Overseer."""
        return True


def main() -> None:
    """Measures and prints or writes the section."""
    parser = models_parser_for(__doc__, size=64, batch=16)
    parser.add_argument("--steps", type=int, default=2, help="of an epoch")
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """Both ways in turns, one model after the other; a round before the first does not count."""
    device = resolve_device("auto")
    set_up(device, cores())
    waits: dict[str, dict[str, Values]] = {}
    for name in given.models:
        found: dict[str, list[float]] = {WAITS: [], GOES_ON: []}
        for _ in range(given.rounds + 1):
            for way, seconds in found.items():
                settle()
                seconds.append(between_two_epochs(name, given, device, waits=way == WAITS))
        waits[name] = {way: tuple(seconds[1:]) for way, seconds in found.items()}
    return section(given, waits)


def between_two_epochs(
    name: str, given: argparse.Namespace, device: torch.device, *, waits: bool
) -> float:
    """Seconds from the last picture that validated an epoch to the first one of the next."""
    config = StudyConfig.model_validate(
        {
            "name": "bench",
            "data": {"source": "unused", "image_size": given.size},
            "model": MODELS[name],
            "training": {"epochs": 2, "batch_size": given.batch},
            "search": {"budget": {"trials": 1}},
            "tracking": {"details": ("weights",) if waits else ()},
        }
    )
    train, val = SameBatch(given, given.steps, device), SameBatch(given, 1, device)

    @contextmanager
    def open_fold(_: int) -> Iterator[Fold]:
        yield Fold(learner(MODELS[name], given, device, "auto"), train, val, close=lambda: None)

    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        checkpoints = Checkpoints(Path(folder), fingerprint="bench", token=1)
        fit(open_fold, config=config, checkpoints=checkpoints, overseer=Unattended())
    return train.begun[1] - val.left[0]


def section(given: argparse.Namespace, waits: dict[str, dict[str, Values]]) -> Section:
    """The table."""
    return Section(
        title="Between two epochs",
        about=(
            "From the last picture that validated an epoch to the first one of the next, in "
            "milliseconds: metrics, then best weights and a checkpoint (with AdamW's moments), "
            "which the trial waits for, or a thread writes beside the next epoch. Batches of "
            f"{given.batch} at {given.size} px. Median, lowest and highest of {given.rounds} "
            "rounds in turns."
        ),
        header=("model", "the trial", "milliseconds", f"of {WAITS}"),
        rows=tuple(
            (
                name,
                way,
                spread([1000 * one for one in seconds], ".1f"),
                spread(ratios(seconds, ways[WAITS]), ".3f"),
            )
            for name, ways in waits.items()
            for way, seconds in ways.items()
        ),
        rounds={
            f"{name}, {way}, seconds": seconds
            for name, ways in waits.items()
            for way, seconds in ways.items()
        },
    )


if __name__ == "__main__":
    main()
