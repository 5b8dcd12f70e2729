"""The training loop, from top to bottom.

Knows nothing of processes, pipes and directories: it is told when to stop and whom to report to,
and where checkpoints go.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from study.config.records import StudyConfig
from study.errors import Diverged
from worker.data.batches import Batches
from worker.evaluation.findings import Found, find
from worker.evaluation.logits import predict_logits
from worker.evaluation.metrics import summarise
from worker.training.checkpoint import Checkpoints
from worker.training.learner import Learner
from worker.training.progress import Best, EpochResult, Progress
from worker.training.schedule import learning_rate

FINITE_EVERY = 50  # steps; looking at the loss waits for the GPU, once in so many it costs nothing

Batch = tuple[Tensor, Tensor]
"""Images (B, C, S, S) float32 and labels (B,) int64, both on the device."""


class Overseer(Protocol):
    """Who is asked and told things while a fit goes on."""

    def stop_requested(self) -> bool:
        """Whether to leave after the step in hand; asked before and after each batch is waited for,
        in validation too."""

    def step_done(self) -> None:
        """Told after every training step."""

    def epoch_done(self, result: EpochResult, checkpoint: str) -> bool:
        """Told the result of every epoch, once it is in a checkpoint of that name, and first of all
        the last result found in a checkpoint. Returns whether to go on; may raise StopRequested."""


class StopRequested(Exception):  # noqa: N818 - not an error
    """Leave after the step in hand; the loop checkpoints."""


Ending = Literal["complete", "pruned", "stopped"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a fit ended."""

    ending: Ending
    best: Best | None
    """None only where it was stopped in the first epoch."""
    checkpoint: str | None
    """File name; None only where it was stopped before the first step."""
    history: tuple[EpochResult, ...]
    """Of every epoch, whichever process trained it."""


def fit(
    learner: Learner,
    train: Batches,
    val: Batches,
    *,
    config: StudyConfig,
    checkpoints: Checkpoints,
    overseer: Overseer,
) -> Outcome:
    """Trains until the last epoch, early stopping, pruning or a stop, from the last checkpoint on.

    Stopped anywhere and called again, the numbers are those of an undisturbed run: to the last bit
    on a CPU with the same number of threads.

    Raises Diverged, OSError (a full disk; the previous checkpoint is then intact) and whatever the
    device and the batches raise.
    """
    progress = _restore(learner, checkpoints)
    try:
        while True:
            if progress.last is not None and checkpoints.latest is not None:
                go_on = overseer.epoch_done(progress.last, checkpoints.latest)
                if not go_on:
                    return _ended("pruned", progress, checkpoints)
            if progress.is_complete(config.training):
                return _ended("complete", progress, checkpoints)
            _train_epoch(learner, train, progress, config, overseer)
            result, found = _validate(learner, val, progress, config, train.steps, overseer)
            best = _better(result, found, progress, learner, checkpoints, config)
            progress.close_epoch(result, best)
            checkpoints.save(progress, learner.state())
    except StopRequested:
        if not checkpoints.covers(progress):
            checkpoints.save(progress, learner.state())
        return _ended("stopped", progress, checkpoints)


def _ended(ending: Ending, progress: Progress, checkpoints: Checkpoints) -> Outcome:
    return Outcome(
        ending=ending,
        best=progress.best,
        checkpoint=checkpoints.latest,
        history=tuple(progress.history),
    )


def _restore(learner: Learner, checkpoints: Checkpoints) -> Progress:
    found = checkpoints.restore()
    if found is None:
        return Progress()
    progress, state = found
    learner.load(state)
    return progress


def _train_epoch(
    learner: Learner,
    train: Batches,
    progress: Progress,
    config: StudyConfig,
    overseer: Overseer,
) -> None:
    """The steps of the epoch in hand that are not done yet."""
    learner.begin_epoch(progress.epoch)
    began = time.perf_counter()
    for images, labels in _until(overseer, train.epoch(progress.epoch, progress.step)):
        step = progress.epoch * train.steps + progress.step
        rate = learning_rate(config.training, step, train.steps)
        loss, logits = learner.step(images, labels, rate)
        now = time.perf_counter()
        progress.count(loss, logits, labels, now - began)
        began = now
        overseer.step_done()
        if progress.step % FINITE_EVERY == 0:
            _require_finite(progress.loss_sum.item(), "training", progress)
    _require_finite(progress.loss_sum.item(), "training", progress)
    progress.seconds += time.perf_counter() - began  # the GPU has caught up only now


def _validate(
    learner: Learner,
    val: Batches,
    progress: Progress,
    config: StudyConfig,
    steps: int,
    overseer: Overseer,
) -> tuple[EpochResult, Found]:
    """Measures the epoch whose steps are all done."""
    began = time.perf_counter()
    batches = _until(overseer, val.epoch(progress.epoch))
    logits, labels = predict_logits(learner.model, batches, dtype=learner.dtype)
    metrics = summarise(logits, labels)
    _require_finite(metrics["loss"], "validation", progress)
    trained = summarise(*progress.outputs(logits.device))
    last_step = (progress.epoch + 1) * steps - 1
    metrics |= {f"train_{name}": value for name, value in trained.items()}
    metrics |= {
        "train_loss": progress.loss_sum.item() / progress.images,
        "learning_rate": learning_rate(config.training, last_step, steps),
        "images_per_second": progress.images / progress.seconds,
        "seconds": progress.seconds + time.perf_counter() - began,
    }
    result = EpochResult(progress.epoch, metrics[config.search.metric], metrics)
    return result, find(logits, labels, val.rows)


def _better(
    result: EpochResult,
    found: Found,
    progress: Progress,
    learner: Learner,
    checkpoints: Checkpoints,
    config: StudyConfig,
) -> Best:
    """The best epoch so far; its weights are on disk before a checkpoint refers to them."""
    sign = config.search.sign
    if progress.best is not None and sign * (result.value - progress.best.value) <= 0:
        return progress.best
    meta: dict[str, Any] = {
        "epoch": result.epoch,
        "metric": config.search.metric,
        "value": result.value,
    }
    meta |= {"metrics": result.metrics, "found": found}
    name = checkpoints.save_best(result.epoch, learner.model, meta)
    return Best(result.epoch, result.value, name)


def _until(overseer: Overseer, batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches, until a stop is asked for: after a step or while the next batch is waited for.

    Raises StopRequested.
    """
    waiting = iter(batches)
    while not overseer.stop_requested():
        batch = next(waiting, None)
        if batch is None:
            return
        if overseer.stop_requested():
            break
        yield batch
    raise StopRequested


def _require_finite(loss: float, where: str, progress: Progress) -> None:
    if not math.isfinite(loss):
        raise Diverged(
            f"the {where} loss must stay finite, got {loss} by epoch {progress.epoch}, "
            f"step {progress.step}: lower training.learning_rate or set training.gradient_clip"
        )
