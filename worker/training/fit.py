"""The training loop, from top to bottom.

Knows nothing of processes, pipes and directories: it is told when to stop and whom to report to,
and where checkpoints go.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal, Protocol

from torch import Tensor

from study.config.records import StudyConfig
from study.errors import Diverged
from study.lease import Intermediate
from worker.data.batches import Batches
from worker.evaluation.findings import Found, find
from worker.evaluation.logits import predict_logits
from worker.evaluation.metrics import summarise
from worker.training.checkpoint import Checkpoints
from worker.training.learner import Learner
from worker.training.progress import Best, EpochResult, Progress
from worker.training.schedule import learning_rate
from worker.training.stages import Stage, stage_at

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

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> bool:
        """Told the result of every epoch and what it gives pruners, once it is in a checkpoint of
        that name, and first of all the last result found in a checkpoint. Returns whether to go on;
        may raise StopRequested."""


class StopRequested(Exception):  # noqa: N818 - not an error
    """Leave after the step in hand; the loop checkpoints."""


Ending = Literal["complete", "pruned", "stopped"]


@dataclass(frozen=True)
class Fold:
    """What one fold trains with; a study without folds has one. Nothing is shared between two."""

    learner: Learner
    """With fresh weights."""
    train: Batches
    val: Batches


OpenFold = Callable[[int], AbstractContextManager[Fold]]
"""Makes the fold of a number from 0 and closes it again."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a fit ended."""

    ending: Ending
    value: float | None
    """The best epoch's metric; with folds the mean of it over those that were trained."""
    best: Best | None
    """The best epoch, of the fold in the middle by value. None, as `value`, only where it was
    stopped in the first epoch."""
    checkpoint: str | None
    """File name; None only where it was stopped before the first step."""
    history: tuple[EpochResult, ...]
    """Of every epoch, whichever process trained it."""


def fit(
    open_fold: OpenFold, *, config: StudyConfig, checkpoints: Checkpoints, overseer: Overseer
) -> Outcome:
    """Trains until the last epoch, early stopping, pruning or a stop, from the last checkpoint on.

    Stopped anywhere and called again, the numbers are those of an undisturbed run: to the last bit
    on a CPU with the same number of threads.

    Raises Diverged, OSError (a full disk; the previous checkpoint is then intact) and whatever the
    device and the batches raise.
    """
    progress, state = checkpoints.restore() or (Progress(), {})
    try:
        go_on = _tell(progress, config, checkpoints, overseer)
        while go_on and len(progress.folds) < config.folds:
            with open_fold(len(progress.folds)) as fold:
                if progress.in_fold:
                    fold.learner.begin_stage(config.training.in_stages[progress.stage])
                    fold.learner.load(state)
                go_on = _fit_fold(fold, progress, config, checkpoints, overseer)
    except StopRequested:
        return _ended("stopped", progress, checkpoints)
    return _ended("complete" if go_on else "pruned", progress, checkpoints)


def _ended(ending: Ending, progress: Progress, checkpoints: Checkpoints) -> Outcome:
    bests = progress.folds or ((progress.best,) if progress.best else ())
    ranked = sorted(bests, key=lambda best: best.value)
    return Outcome(
        ending=ending,
        value=fmean(best.value for best in bests) if bests else None,
        best=ranked[(len(ranked) - 1) // 2] if ranked else None,
        checkpoint=checkpoints.latest,
        history=tuple(progress.history),
    )


def _tell(
    progress: Progress, config: StudyConfig, checkpoints: Checkpoints, overseer: Overseer
) -> bool:
    """Says what the last epoch gave, once it is in a checkpoint; whether to go on."""
    if progress.last is None or checkpoints.latest is None:
        return True
    # Optuna reads none of trials with two objectives
    intermediate = None if config.search.second else progress.intermediate(config.folds)
    return overseer.epoch_done(progress.last, checkpoints.latest, intermediate)


def _fit_fold(
    fold: Fold,
    progress: Progress,
    config: StudyConfig,
    checkpoints: Checkpoints,
    overseer: Overseer,
) -> bool:
    """The epochs of the fold in hand that are not done yet; whether to go on after them."""
    learner, done = fold.learner, len(progress.folds)
    try:
        while len(progress.folds) == done:
            stage = stage_at(config.training, progress.fold_epoch)
            _enter(stage, learner, progress, checkpoints)
            train = fold.train.for_training(stage.training)
            _train_epoch(learner, train, stage, progress, overseer)
            steps = train.steps
            result, found = _validate(learner, fold.val, stage, progress, config, steps, overseer)
            best = _better(result, found, progress, learner, checkpoints, config)
            progress.close_epoch(result, best)
            if progress.is_complete(config.training):
                progress.close_fold()
            checkpoints.save(progress, learner.state())
            if not _tell(progress, config, checkpoints, overseer):
                return False
    except StopRequested:
        if not checkpoints.covers(progress):
            checkpoints.save(progress, learner.state())
        raise
    return True


def _enter(stage: Stage, learner: Learner, progress: Progress, checkpoints: Checkpoints) -> None:
    """Turns the learner to the stage in hand, where it is in the one before."""
    if stage.index == progress.stage:
        return
    learner.begin_stage(stage.training)
    if stage.from_best and progress.best is not None:
        learner.model.load_state_dict(checkpoints.weights(progress.best))
    progress.stage = stage.index


def _train_epoch(
    learner: Learner, train: Batches, stage: Stage, progress: Progress, overseer: Overseer
) -> None:
    """The steps of the epoch in hand that are not done yet."""
    epoch = progress.fold_epoch
    learner.begin_epoch(epoch)
    began = time.perf_counter()
    for images, labels in _until(overseer, train.epoch(epoch, progress.step)):
        step = stage.step(epoch, progress.step, train.steps)
        rate = learning_rate(stage.training, step, train.steps)
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
    stage: Stage,
    progress: Progress,
    config: StudyConfig,
    steps: int,
    overseer: Overseer,
) -> tuple[EpochResult, Found]:
    """Measures the epoch whose `steps` are all done."""
    began = time.perf_counter()
    batches = _until(overseer, val.epoch(progress.fold_epoch))
    logits, labels = predict_logits(learner.model, batches, dtype=learner.dtype)
    metrics = summarise(logits, labels)
    _require_finite(metrics["loss"], "validation", progress)
    trained = summarise(*progress.outputs(logits.device))
    last_step = stage.step(progress.fold_epoch, steps - 1, steps)
    metrics |= {f"train_{name}": value for name, value in trained.items()}
    metrics |= {
        "train_loss": progress.loss_sum.item() / progress.images,
        "learning_rate": learning_rate(stage.training, last_step, steps),
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
        "fold": len(progress.folds),
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
