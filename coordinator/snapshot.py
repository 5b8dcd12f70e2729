"""A study at one moment, as a person is shown it: on this terminal, or sent from a cluster as JSON.

Knows nothing of where it came from nor of how it is drawn (watch.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from coordinator.backends.backend import WorkerState
from study import exit_codes

if TYPE_CHECKING:  # Optuna is slow to import, and a laptop of a cluster needs none
    from study.progress import Progress


class Shown(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ShownTrial(Shown):
    """A trial that is open."""

    number: int
    worker: str
    epoch: int | None
    """Newest epoch reported, from 0."""
    value: float | None
    released: bool
    """Waits to be adopted."""


class ShownWorker(Shown):
    """A worker that was started."""

    index: int
    name: str
    state: str
    """In a word: training, starting (until its first trial), waiting, left, `ended (1)`; or why it
    does not start."""


class ShownBest(Shown):
    """The best complete trial."""

    number: int
    value: float
    params: dict[str, bool | int | float | str | None]


class Snapshot(Shown):
    """A study with its open trials and its workers."""

    study: str
    state: Literal["open", "stopped", "done"]
    """open: not stopped, whether or not a worker is at it."""
    metric: str
    epochs: int
    """Of a trial that is not ended early."""
    trials: int
    """The budget."""
    left: int
    """That may still begin."""
    outcomes: dict[str, int]
    """Ended trials by outcome."""
    running: tuple[ShownTrial, ...]
    paused: int = 0
    """Trials that wait to be promoted; coordinators of before tell none."""
    concluded: str | None = None
    """Why it ends before its budget is spent; the same."""
    workers: tuple[ShownWorker, ...]
    best: ShownBest | None
    images_per_second: float
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """Trials that came to an end, whichever."""
        return sum(self.outcomes.values())

    @property
    def trained(self) -> tuple[ShownTrial, ...]:
        """Open trials that a worker holds."""
        return tuple(trial for trial in self.running if not trial.released)


def snapshot(progress: Progress, workers: Sequence[WorkerState] = ()) -> Snapshot:
    """What there is to show of a study and its workers."""
    config = progress.study.config
    best = progress.best
    return Snapshot(
        study=progress.study.name,
        state=_state(progress),
        metric=config.search.metric,
        epochs=config.trial_epochs,
        trials=progress.budget.trials,
        left=progress.left,
        outcomes=progress.outcomes,
        running=tuple(
            ShownTrial(
                number=trial.number,
                worker=trial.worker,
                epoch=trial.epoch,
                value=trial.value,
                released=trial.released,
            )
            for trial in progress.running
        ),
        paused=progress.budget.paused,
        concluded=progress.budget.concluded,
        workers=tuple(
            ShownWorker(index=worker.index, name=worker.name, state=worker_state(worker, progress))
            for worker in workers
        ),
        best=None
        if best is None
        else ShownBest(number=best.number, value=best.values[0], params=best.params),
        images_per_second=progress.images_per_second,
        seconds_left=progress.seconds_left,
    )


def worker_state(worker: WorkerState, progress: Progress) -> str:
    """In a word, and the exit status where it is not one of a worker that went as it should."""
    if worker.alive:
        if any(trial.worker == worker.name for trial in progress.running):
            return "training"
        starting = progress.left and not progress.budget.stopped
        return "starting" if starting and worker.name not in progress.holders else "waiting"
    return "left" if worker.exit_status in exit_codes.LEFT else f"ended ({worker.exit_status})"


def _state(progress: Progress) -> Literal["open", "stopped", "done"]:
    if progress.done:
        return "done"
    return "stopped" if progress.budget.stopped else "open"
