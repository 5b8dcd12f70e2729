"""The training loop: folds, stages, epochs (an epoch is in epoch.py, its checkpoint in scribe.py).

Knows nothing of processes, pipes and directories: it is told when to stop and whom to report to,
and where checkpoints go.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from study.config.records import StudyConfig
from worker.data.batches import Batches
from worker.evaluation.findings import Found
from worker.training.checkpoint import Checkpoints
from worker.training.epoch import Overseer, StopRequested, train_epoch, validate_epoch
from worker.training.learner import Learner
from worker.training.progress import Best, EpochResult, Progress
from worker.training.scribe import Pruned, Scribe
from worker.training.stages import Stage, stage_at

Ending = Literal["complete", "pruned", "stopped"]


@dataclass(frozen=True)
class Fold:
    """What one fold trains with; a study without folds has one. Nothing is shared between two."""

    learner: Learner
    """With fresh weights."""
    train: Batches
    val: Batches
    close: Callable[[], None]
    """Closes both, before the fold itself is; may be called again."""

    def leave_device(self) -> None:
        """Gives the device's memory back; what was learned can still be written."""
        self.close()
        self.learner.leave_device()


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

    Raises Diverged, BadData, OSError (a full disk; the previous checkpoint is then intact) and
    whatever the device and the batches raise.
    """
    progress, state = checkpoints.restore() or (Progress(), {})
    ending: Ending = "complete"
    try:
        with Scribe(progress, config, checkpoints, overseer) as scribe:
            scribe.tell()
            while len(progress.folds) < config.folds:
                with open_fold(len(progress.folds)) as fold:
                    if progress.in_fold:
                        fold.learner.begin_stage(config.training.in_stages[progress.stage])
                        fold.learner.load(state)
                        state = {}  # it is as large as the model, on a GPU three times that
                    _fit_fold(fold, progress, config, checkpoints, overseer, scribe)
    except Pruned:
        ending = "pruned"
    except StopRequested:
        ending = "stopped"
    return _ended(ending, progress, checkpoints)


def _ended(ending: Ending, progress: Progress, checkpoints: Checkpoints) -> Outcome:
    ranked = sorted(progress.folds or progress.bests, key=lambda best: best.value)
    return Outcome(
        ending=ending,
        value=progress.value,
        best=ranked[(len(ranked) - 1) // 2] if ranked else None,
        checkpoint=checkpoints.latest,
        history=tuple(progress.history),
    )


def _fit_fold(
    fold: Fold,
    progress: Progress,
    config: StudyConfig,
    checkpoints: Checkpoints,
    overseer: Overseer,
    scribe: Scribe,
) -> None:
    """The epochs of the fold in hand that are not done yet. Raises Pruned, StopRequested."""
    learner, done = fold.learner, len(progress.folds)
    try:
        while len(progress.folds) == done:
            stage = stage_at(config.training, progress.fold_epoch)
            if stage.index != progress.stage:
                scribe.settle()
                _enter(stage, learner, progress, checkpoints)
            train = fold.train.for_training(stage.training)
            train_epoch(learner, train, stage, progress, overseer)
            scribe.settle()
            result, found = validate_epoch(
                learner, fold.val, stage, progress, config.search.metric, train.steps, overseer
            )
            kept = _kept(result, found, progress, config)
            progress.close_epoch(result, better=kept is not None)
            if progress.is_complete(config.training):
                progress.close_fold()
            if _leaves_device(progress, config):
                fold.leave_device()
                assert progress.value is not None  # a fold is closed
                overseer.trained(progress.value)
            scribe.record(learner.state(), kept)
    except StopRequested:
        with suppress(StopRequested):
            scribe.settle()
        if not checkpoints.covers(progress):
            checkpoints.save(progress, learner.state())
        raise


def _enter(stage: Stage, learner: Learner, progress: Progress, checkpoints: Checkpoints) -> None:
    """Turns the learner to the stage in hand from the one before."""
    learner.begin_stage(stage.training)
    if stage.from_best and progress.best is not None:
        learner.model.load_state_dict(checkpoints.weights(progress.best))
    progress.stage = stage.index


def _leaves_device(progress: Progress, config: StudyConfig) -> bool:
    """Whether nothing is left to compute."""
    trained = len(progress.folds) == config.folds
    return trained and config.search.second is None and not config.tracking.details


def _kept(
    result: EpochResult, found: Found, progress: Progress, config: StudyConfig
) -> dict[str, Any] | None:
    """What is kept with the weights of the epoch in hand; None where it is not the best so far."""
    sign = config.search.sign
    if progress.best is not None and sign * (result.value - progress.best.value) <= 0:
        return None
    return {
        "epoch": result.epoch,
        "fold": len(progress.folds),
        "metric": config.search.metric,
        "value": result.value,
        "metrics": result.metrics,
        "found": found,
    }
