"""Algorithm 2 of Li et al. 2020 in plain Python: what the ledger's SQL is held against."""

from __future__ import annotations

import math
from collections import defaultdict


class Asha:
    """Who stands on which rung. Trials are numbers; the higher value is the better one."""

    def __init__(self, reduction_factor: int) -> None:
        self.reduction_factor = reduction_factor
        self.rungs: dict[int, dict[int, float]] = defaultdict(dict)
        self.promoted: dict[int, set[int]] = defaultdict(set)
        self.ended: set[int] = set()

    def reach(self, trial: int, rung: int, value: float) -> bool:
        """Whether the trial goes on at once."""
        self.rungs[rung][trial] = value
        if trial in self._promotable_of(rung):
            self.promoted[rung].add(trial)
            return True
        return False

    def paused(self) -> dict[int, int]:
        """The rung of each."""
        return {
            trial: rung
            for rung, reached in self.rungs.items()
            for trial in reached
            if trial not in self.promoted[rung] and trial not in self.ended
        }

    def promote(self) -> int | None:
        """The paused trial that goes on next, if any; it is promoted."""
        for rung in sorted(self.rungs, reverse=True):
            for trial in self._promotable_of(rung):
                self.promoted[rung].add(trial)
                return trial
        return None

    def promote_leader(self) -> int | None:
        """The best paused trial of the highest rung."""
        paused = self.paused()
        if not paused:
            return None
        rung = max(paused.values())
        leader = next(trial for trial in self._ranked(rung) if paused.get(trial) == rung)
        self.promoted[rung].add(leader)
        return leader

    def _promotable_of(self, rung: int) -> list[int]:
        best = self._ranked(rung)[: len(self.rungs[rung]) // self.reduction_factor]
        return [
            trial
            for trial in best
            if trial not in self.promoted[rung]
            and trial not in self.ended
            and not math.isnan(self.rungs[rung][trial])
        ]

    def _ranked(self, rung: int) -> list[int]:
        """Not a number is worst; of equals the earlier one is the better one."""

        def place(trial: int) -> tuple[bool, float, int]:
            value = self.rungs[rung][trial]
            return math.isnan(value), 0.0 if math.isnan(value) else -value, trial

        return sorted(self.rungs[rung], key=place)
