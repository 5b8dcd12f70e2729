"""A search over learning curves that are known: workers are simulated, an epoch of any trial takes
a unit of time, and the n-th trial that begins has the n-th curve.

Pruners are Optuna's, as studies build them; asha is the model of its rule that the ledger's tests
hold the ledger against. Knows nothing of where curves come from.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import optuna

from study.config.search import PrunerConfig
from study.sampling import build_pruner, should_prune
from tests.study.asha import Asha

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
