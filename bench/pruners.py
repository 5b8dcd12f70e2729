"""What a search makes of the same learning curves without a pruner, with a median, with successive
halving that ends trials, and with one that pauses them.

A study that was trained without a pruner is replayed: workers are simulated, an epoch of any trial
takes a unit of time, and every trial that begins gets the next curve of a shuffled pile. Pruners
are Optuna's, as studies build them; asha is the model of its rule that the ledger's tests hold the
ledger against.

    .venv/bin/hpo submit fashion --backend local --workers 2 name=curves \\
        search.pruner.name=none search.sampler.name=random search.budget.trials=64 \\
        space.training.learning_rate.low=1e-4 space.training.learning_rate.high=1e-1
    .venv/bin/python -m bench.pruners curves [--seeds 50] [--workers 4]
"""

from __future__ import annotations

import argparse
import heapq
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import optuna

from study.config.records import StudyConfig
from study.config.search import PrunerConfig
from study.opening import open_registry
from study.sampling import build_pruner, should_prune
from study.statements import STATEMENTS
from tests.study.asha import Asha

PRUNERS = {
    "none": PrunerConfig(name="none"),
    "median, warm-up of 2 epochs": PrunerConfig(name="median", warmup_epochs=2),
    "median": PrunerConfig(name="median"),
    "successive_halving, factor 3": PrunerConfig(name="successive_halving", reduction_factor=3),
    "successive_halving": PrunerConfig(name="successive_halving"),
    "hyperband, factor 3": PrunerConfig(name="hyperband", reduction_factor=3),
    "asha, factor 3": PrunerConfig(name="asha", reduction_factor=3),
    "asha": PrunerConfig(name="asha"),
    "asha, factor 2": PrunerConfig(name="asha", reduction_factor=2),
}
SHARES = (0.125, 0.25, 0.5)  # of the epochs of all curves

Curve = tuple[float, ...]
"""The metric after each epoch; the higher the better."""


@dataclass(frozen=True)
class Replay:
    """What became of one search."""

    best_after: tuple[float, ...]
    """Of the complete trials after each epoch that any worker trained; 0 before the first."""
    makespan: int
    """Epochs one after the other."""


class Stock:
    """A study with a pruner of Optuna's, in memory."""

    def __init__(self, pruner: PrunerConfig, curves: Sequence[Curve], seed: int) -> None:
        built = build_pruner(pruner, epochs=len(curves[0]))
        self._study = optuna.create_study(
            study_name=f"replay-{seed}", direction="maximize", pruner=built
        )
        self._curves = curves
        self._begun = 0
        self._trials: dict[int, optuna.trial.Trial] = {}

    def claim(self) -> tuple[int, int] | None:
        """A trial and the epoch it goes on with."""
        if self._begun == len(self._curves):
            return None
        trial = self._study.ask()
        self._trials[trial.number] = trial
        self._begun += 1
        return trial.number, 0

    def goes_on(self, number: int, epoch: int) -> bool:
        """After that epoch, which is not its last."""
        trial = self._trials[number]
        trial.report(self._curves[number][epoch], epoch)
        pruned = should_prune(self._study, trial._trial_id)
        if pruned:
            self._study.tell(number, state=optuna.trial.TrialState.PRUNED)
        return not pruned

    def complete(self, number: int) -> None:
        """After its last epoch."""
        last = len(self._curves[number]) - 1
        self._trials[number].report(self._curves[number][last], last)
        self._study.tell(number, max(self._curves[number]))


class Paused:
    """A study whose trials are paused, in memory; the same methods."""

    def __init__(self, pruner: PrunerConfig, curves: Sequence[Curve]) -> None:
        self._pruner = pruner
        self._curves = curves
        self._model = Asha(pruner.reduction_factor)
        self._begun = 0
        self._next: dict[int, int] = {}
        self._held: set[int] = set()
        self._complete = False

    def claim(self) -> tuple[int, int] | None:
        """See Stock."""
        number = self._model.promote()
        if number is None and self._begun < len(self._curves):
            number, self._begun = self._begun, self._begun + 1
        elif number is None and not self._held and not self._complete:
            number = self._model.promote_leader()
        if number is None:
            return None
        self._held.add(number)
        return number, self._next.get(number, 0)

    def goes_on(self, number: int, epoch: int) -> bool:
        """See Stock."""
        self._next[number] = epoch + 1
        rung = self._pruner.rung(epoch + 1)
        if rung is None or self._model.reach(number, rung, self._curves[number][epoch]):
            return True
        self._held.remove(number)
        return False

    def complete(self, number: int) -> None:
        """See Stock."""
        self._held.remove(number)
        self._complete = True


def replay(search: Stock | Paused, curves: Sequence[Curve], workers: int) -> Replay:
    """Runs the search to its end; its n-th trial has the n-th curve."""
    best: list[float] = []
    turns: list[tuple[int, int, int, int]] = []  # end of the epoch, worker, trial, epoch
    idle, now, leader = list(range(workers)), 0, 0.0
    while True:
        for worker in list(idle):
            claimed = search.claim()
            if claimed is not None:
                heapq.heappush(turns, (now + 1, worker, *claimed))
                idle.remove(worker)
        if not turns:
            return Replay(tuple(best), now)
        now, worker, number, epoch = heapq.heappop(turns)
        if epoch + 1 == len(curves[number]):
            search.complete(number)
            leader = max(leader, *curves[number])
            idle.append(worker)
        elif search.goes_on(number, epoch):
            heapq.heappush(turns, (now + 1, worker, number, epoch + 1))
        else:
            idle.append(worker)
        best.append(leader)


def read_curves(name: str) -> tuple[StudyConfig, list[Curve]]:
    """Of the trials that were trained to their end."""
    registry, server = open_registry()
    study = registry.find(name)
    found: dict[int, list[float]] = {}
    key = {"study_id": study.study_id, "metric": study.config.search.metric}
    with registry.engine.connect() as connection:
        for row in connection.execute(STATEMENTS["curves"], key):
            found.setdefault(row.number, []).append(row.value)
    registry.close()
    if server is not None:
        server.stop_if_idle(registry.engine)
    epochs = study.config.trial_epochs
    return study.config, [tuple(curve) for curve in found.values() if len(curve) == epochs]


def row(name: str, found: Sequence[Replay], best: float, marks: Sequence[int]) -> str:
    """A line of the table."""
    behind = [
        statistics.fmean(best - one.best_after[: mark or None][-1] for one in found)
        for mark in (*marks, 0)
    ]
    complete = [one.best_after.index(next(filter(None, one.best_after))) + 1 for one in found]
    numbers = [
        statistics.fmean(len(one.best_after) for one in found),
        statistics.fmean(one.makespan for one in found),
        statistics.median(complete),
    ]
    cells = [f"{number:.0f}" for number in numbers] + [f"{100 * each:.2f}" for each in behind]
    return f"| {name} | {' | '.join(cells)} |\n"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config, curves = read_curves(given.study)
    best = max(map(max, curves))
    marks = [round(share * len(curves) * config.trial_epochs) for share in SHARES]
    heads = ["epochs", "makespan", "first complete", *map(str, marks), "end"]
    sys.stdout.write(f"{len(curves)} curves of {config.trial_epochs} epochs, best {best:.4f}\n")
    sys.stdout.write(f"| pruner | {' | '.join(heads)} |\n")
    for name, pruner in PRUNERS.items():
        found = []
        for seed in range(given.seeds):
            pile = random.Random(seed).sample(curves, len(curves))
            pauses = pruner.name == "asha"
            search = Paused(pruner, pile) if pauses else Stock(pruner, pile, seed)
            found.append(replay(search, pile, given.workers))
        sys.stdout.write(row(name, found, best, marks))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
