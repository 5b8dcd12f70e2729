"""What a trial of a study costs on this device, measured before any has run and without its data.

Trains the trial in the middle of the space (study/config/middle.py) for some seconds with the code
that trials run, on made-up pictures of the right shape in memory. Knows nothing of how long a study
takes (the planner multiplies).
"""

from __future__ import annotations

import contextlib
import itertools
import resource
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor

from study.config.data import DataConfig
from study.config.fill import fill
from study.config.middle import middle
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.errors import HpoError, Infeasible, OutOfMemory, UsageError
from worker.assigned import new_learner, open_split, set_up
from worker.data.batches import Batches
from worker.data.made_up import made_up
from worker.diagnosis import diagnose
from worker.evaluation.logits import predict_logits
from worker.messages import Assignment
from worker.models.device import device_name, resolve_device
from worker.pace import Pace, training
from worker.training.learner import Learner

WARM_SECONDS = 2.0  # and at least one step: kernels are chosen, caches filled, clocks raised
TRAIN_SECONDS = 6.0  # of steps that count, and at least one
VALIDATE_SECONDS = 2.0  # the same for batches that are only measured


class Rehearsal(TypedDict):
    """What was measured."""

    images_per_second: float
    """Training pictures of one trial alone on the device."""
    validation_images_per_second: float
    seconds_per_epoch_per_1000_pictures: float
    """Of an epoch, training and validation, for each 1000 pictures of the data set, divided as the
    study divides them."""
    batch_size: int
    parts: int
    """A batch had to be divided into to fit into memory."""
    device: str
    parameters: dict[str, Scalar | None]
    peak_memory_gib: float
    """Of the GPU, or of this process on a CPU."""


def rehearse(study: StudyConfig, *, device: str, threads: int) -> Rehearsal:
    """Measures for about 10 s, the first stage where there are several. Raises UsageError where the
    trial in the middle of the space cannot be built, HpoError where it cannot be trained here."""
    config, parameters = middle_trial(study)
    for retry in itertools.count():
        parts = 2**retry
        try:
            return _measured(config, parameters, device, threads, parts)
        except Exception as error:
            failed = diagnose(error)
            if failed.failure == Infeasible.__name__:
                raise UsageError(f"the middle of the space: {failed.reason}") from error
            again = retry < study.resources.out_of_memory_retries
            if failed.failure != OutOfMemory.__name__ or not again:
                raise HpoError(f"the trial in the middle of the space: {failed.reason}") from error
    raise AssertionError("the loop has no other end")


def middle_trial(study: StudyConfig) -> tuple[StudyConfig, dict[str, Scalar | None]]:
    """The trial in the middle of the space, of its stages the first, and its parameters. Raises
    UsageError where it cannot be built."""
    parameters = middle(study.space)
    try:
        config = fill(study, parameters)
    except Infeasible as error:
        raise UsageError(f"the middle of the space cannot be built: {error}") from error
    return config.model_copy(update={"training": config.training.in_stages[0]}), parameters


def _measured(
    config: StudyConfig,
    parameters: dict[str, Scalar | None],
    device: str,
    threads: int,
    parts: int,
) -> Rehearsal:
    where = resolve_device(device)
    assignment = Assignment(
        config=config.model_copy(update={"data": _resident(config.data)}),
        store=Path("made-up"),
        directory=Path("made-up"),
        device=device,
        threads=threads,
        last_epoch=None,
    )
    set_up(where, threads)
    store = made_up(config.data, config.training.batch_size)
    learner = new_learner(config, store, where, accumulation=parts)
    with (
        contextlib.closing(open_split(assignment, store, where, augment=True)) as train,
        contextlib.closing(open_split(assignment, store, where, augment=False)) as val,
    ):
        trained = _rate(training(learner, train, config, where), TRAIN_SECONDS)
        validated = _rate(_validation(learner, val, where), VALIDATE_SECONDS)
    split = config.data.split
    epoch = (1.0 - split.val_share - split.test) / trained + split.val_share / validated
    return Rehearsal(
        images_per_second=round(trained, 1),
        validation_images_per_second=round(validated, 1),
        seconds_per_epoch_per_1000_pictures=round(1000 * epoch, 4),
        batch_size=config.training.batch_size,
        parts=parts,
        device=_named(where, threads),
        parameters=parameters,
        peak_memory_gib=round(peak_bytes(where) / 2**30, 3),
    )


def _resident(data: DataConfig) -> DataConfig:
    """Pixels come from memory, whatever the study says: there are no files to decode."""
    return data.model_copy(update={"loader": "resident"})


def _validation(learner: Learner, val: Batches, device: torch.device) -> Pace:
    def step(_: int, images: Tensor, labels: Tensor) -> None:
        predict_logits(learner.model, [(images, labels)], dtype=learner.dtype)

    return Pace(val, device, step)


def _rate(pace: Pace, seconds: float) -> float:
    """Pictures per second, after the warm-up."""
    pace.keep(WARM_SECONDS)
    return pace.keep(seconds)


def _named(device: torch.device, threads: int) -> str:
    if device.type == "cuda":
        return device_name(device)
    return f"{device.type}, {threads} thread{'s' if threads > 1 else ''}"


def peak_bytes(device: torch.device) -> int:
    """Memory that this process has taken of a GPU, or at all."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
