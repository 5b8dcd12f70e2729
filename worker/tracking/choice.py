"""Which trackers a study wants, and whether their packages are here.

Knows nothing of what they are told.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from study.config.records import StudyConfig
from study.config.tracking import TrackerName
from study.errors import UsageError
from worker.tracking.background import Background
from worker.tracking.tracker import TrackedTrial, Tracker

EXTRAS: dict[TrackerName, str] = {"tensorboard": "worker", "wandb": "wandb", "mlflow": "mlflow"}


def check_trackers(config: StudyConfig) -> None:
    """Asked before anything is trained. Raises UsageError."""
    for name in config.tracking.trackers:
        if find_spec(name) is None:
            extra = EXTRAS[name]
            raise UsageError(f"tracking.trackers: {name} is not installed: install hpo[{extra}]")


def open_trackers(config: StudyConfig, trial: TrackedTrial) -> tuple[Background, ...]:
    """Nothing is imported, written or connected to before the first thing is told."""
    return tuple(
        Background(name, partial(new_tracker, name), trial) for name in config.tracking.trackers
    )


def new_tracker(name: TrackerName, trial: TrackedTrial) -> Tracker:
    """Imports its package, which takes seconds for some. Raises anything."""
    match name:
        case "tensorboard":
            from worker.tracking.tensorboard import TensorBoard

            return TensorBoard(trial)
        case "wandb":
            from worker.tracking.weights_and_biases import WeightsAndBiases

            return WeightsAndBiases(trial)
        case "mlflow":
            from worker.tracking.mlflow import Mlflow

            return Mlflow(trial)
