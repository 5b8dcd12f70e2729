"""One epoch: its steps, then what validation makes of them.

Knows nothing of what comes before and after it, and of files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from typing import Protocol

from torch import Tensor

from study.config.search import Metric
from study.errors import BadData, Diverged
from study.lease import Intermediate
from worker.data.batches import Batches
from worker.evaluation.findings import Found, find
from worker.evaluation.logits import predict_logits
from worker.evaluation.metrics import summarise
from worker.training.learner import Learner
from worker.training.progress import EpochResult, Progress
from worker.training.schedule import learning_rate
from worker.training.stages import Stage

FINITE_EVERY = 50  # steps; looking at the loss waits for the GPU, once in so many it costs nothing

Batch = tuple[Tensor, Tensor]
"""Images (B, C, S, S) float32 and labels (B,) int64, both on the device."""


class Overseer(Protocol):
    """Who is asked and told things while a fit goes on."""

    def stop_requested(self) -> bool:
        """Whether to leave after the step in hand, because of a stop or because `may_go_on` has an
        answer and it is no; asked before and after each batch is waited for, in validation too."""

    def step_done(self) -> None:
        """Told after every training step."""

    def trained(self, value: float) -> None:
        """Told once the last epoch is measured and the device left, before anything of it is
        written, where nothing is computed after it. value: what the trial ends with."""

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> None:
        """Told the result of every epoch and what it gives pruners, once it is in a checkpoint of
        that name, and first of all the last result found in a checkpoint. Where the next epoch is
        trained meanwhile, from another thread."""

    def may_go_on(self) -> bool:
        """Asked once after every epoch told; waits for the answer. May raise StopRequested."""


class StopRequested(Exception):  # noqa: N818 - not an error
    """Leave after the step in hand; the loop checkpoints."""


def train_epoch(
    learner: Learner, train: Batches, stage: Stage, progress: Progress, overseer: Overseer
) -> None:
    """The steps of the epoch in hand that are not done yet. Raises StopRequested, Diverged."""
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


def validate_epoch(
    learner: Learner,
    val: Batches,
    stage: Stage,
    progress: Progress,
    metric: Metric,
    steps: int,
    overseer: Overseer,
) -> tuple[EpochResult, Found]:
    """Measures the epoch whose `steps` are all done. Raises Diverged, and BadData where the split
    is such that the study's metric is not defined on it."""
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
    if not math.isfinite(value := metrics[metric]):
        classes = len(set(labels.tolist()))
        raise BadData(
            f"search.metric={metric} must be a number on the validation split, got {value} of "
            f"{len(labels)} pictures ({classes} class{'' if classes == 1 else 'es'}): "
            "choose another metric or split"
        )
    return EpochResult(progress.epoch, value, metrics), find(logits, labels, val.rows)


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
