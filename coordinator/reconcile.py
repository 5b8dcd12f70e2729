"""One idempotent step from what is (ledger and workers) to what should be.

`decide` is a pure function of what was observed; nothing is remembered between steps, so a
coordinator killed at any line loses nothing and the next one goes on. Knows nothing of how workers
run (backends/) nor of the terminal (watch.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from coordinator.backends.backend import Backend, WorkerState
from study import exit_codes
from study.ledger import Ledger
from study.progress import Progress
from study.registry import Registry
from study.statements import STATEMENTS

MAX_CRASHES = 3  # of one index in a row, none of which reported an epoch


@dataclass(frozen=True)
class Expire:
    """Say that a worker is dead: its trials can be adopted at once."""

    worker: str


@dataclass(frozen=True)
class Start:
    """Start a worker."""

    index: int
    workers: int
    """Wanted in all."""
    crashes: int


@dataclass(frozen=True)
class Stop:
    """Ask a worker to leave."""

    index: int


@dataclass(frozen=True)
class End:
    """No worker lives and none is to be started."""

    status: int
    """See study/exit_codes.py: DONE, PREEMPTED when the study was stopped, USAGE, FAILED."""
    index: int | None = None
    """The worker whose log says why."""


Action = Expire | Start | Stop | End


def decide(
    progress: Progress, workers: Sequence[WorkerState], reported: Collection[str]
) -> list[Action]:
    """What to do now.

    workers: the newest of each index. reported: names of workers that ever reported an epoch.
    """
    holders = {trial.worker for trial in progress.running if not trial.released}
    alive = [worker.index for worker in workers if worker.alive]
    actions: list[Action] = [
        Expire(worker.name) for worker in workers if not worker.alive and worker.name in holders
    ]
    end = _end(progress, workers, reported)
    if end is not None:
        actions += [Stop(index) for index in alive]
        return actions if alive else [*actions, end]
    wanted = progress.study.workers
    actions += [Stop(index) for index in alive if index >= wanted]
    startable = _startable(wanted, workers, reported)
    missing = min(wanted, _runnable(progress)) - sum(index < wanted for index in alive)
    actions += [
        Start(index, wanted, crashes)
        for index, crashes in list(startable.items())[: max(0, missing)]
    ]
    return actions


def apply(actions: Iterable[Action], backend: Backend, ledger: Ledger) -> End | None:
    """Does it; gives the end, if it is one."""
    for action in actions:
        match action:
            case Expire(worker):
                ledger.expire(worker)
            case Start(index, workers, crashes):
                backend.start(index, workers=workers, crashes=crashes)
            case Stop(index):
                backend.stop(index)
            case End():
                return action
    return None


def crashed(worker: WorkerState) -> bool:
    """Whether a worker ended as none should, but another may do better."""
    return not worker.alive and worker.exit_status not in (*exit_codes.LEFT, exit_codes.USAGE)


def reporters(registry: Registry, study_id: int) -> set[str]:
    """Names of the workers that reported an epoch."""
    with registry.engine.connect() as connection:
        return set(connection.execute(STATEMENTS["reporters"], {"study_id": study_id}).scalars())


def _end(
    progress: Progress, workers: Sequence[WorkerState], reported: Collection[str]
) -> End | None:
    """How the run ends, if it must."""
    if progress.done:
        return End(exit_codes.DONE)
    if progress.budget.stopped:
        return End(exit_codes.PREEMPTED)
    wanted = [worker for worker in workers if worker.index < progress.study.workers]
    for worker in wanted:
        if not worker.alive and worker.exit_status == exit_codes.USAGE:
            return End(exit_codes.USAGE, worker.index)
    if _startable(progress.study.workers, workers, reported) or any(w.alive for w in wanted):
        return None
    return End(exit_codes.FAILED, max(wanted, key=lambda worker: worker.crashes).index)


def _runnable(progress: Progress) -> int:
    """Trials that a worker could train now, or end."""
    budget = progress.budget
    return budget.open + budget.paused + (0 if budget.spent else progress.left)


def _startable(
    wanted: int, workers: Sequence[WorkerState], reported: Collection[str]
) -> dict[int, int]:
    """The indices at which no worker lives and none was given up, with their crashes in a row."""
    startable = dict.fromkeys(range(wanted), 0)
    for worker in workers:
        if worker.alive or worker.exit_status == exit_codes.BROKEN_DEVICE:
            startable.pop(worker.index, None)
        elif crashed(worker) and worker.index in startable:
            crashes = 1 if worker.name in reported else worker.crashes + 1
            if crashes < MAX_CRASHES:
                startable[worker.index] = crashes
            else:
                del startable[worker.index]
    return startable
