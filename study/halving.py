"""Asynchronous successive halving that pauses (asha): who has reached which rung, who goes on, who
waits.

A trial that reaches a rung goes on at once if it is among the best 1 / reduction_factor of all that
ever reached it, else it is paused: its checkpoint stays, nobody holds it. Whenever a worker is free
a paused trial that is among the best by now is promoted before a new one begins. The rule is
algorithm 2 of Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020
(https://arxiv.org/abs/1810.05934). At which epochs rungs are is in config/search.py.

Optuna has no state for a paused trial: it stays RUNNING there, with an attribute. Knows nothing of
leases and budgets (see ledger.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from study.config.search import SearchConfig
from study.entries import write_end
from study.lease import Outcome
from study.statements import STATEMENTS

PAUSED = "paused_after_epochs"
"""Optuna user attribute of a trial that is paused now."""


@dataclass(frozen=True)
class Halving:
    """How many go on, and which value is the better one."""

    reduction_factor: int
    sign: int
    """1: the higher one; -1: the lower one."""

    @classmethod
    def of(cls, search: SearchConfig) -> Halving | None:
        """None where no trial is ever paused."""
        if search.pruner.name != "asha":
            return None
        return cls(search.pruner.reduction_factor, search.sign)


class Ladder:
    """A study's rungs. Every method works in a transaction that has locked the study's row: two
    trials that reach a rung at once take turns, and no place is given away twice."""

    def __init__(self, study_id: int, halving: Halving) -> None:
        self._rule = {
            "study_id": study_id,
            "sign": halving.sign,
            "reduction_factor": halving.reduction_factor,
        }

    def reach(self, tx: Connection, trial_id: int, rung: int, value: float) -> bool:
        """Notes that the trial stands on `rung`; gives whether it goes on from there, which may be
        asked again."""
        place = {"trial_id": trial_id, "rung": rung}
        stored = None if math.isnan(value) else value
        key = {"study_id": self._rule["study_id"], "value": stored}
        tx.execute(STATEMENTS["reach"], {**place, **key})
        if tx.execute(STATEMENTS["is_promoted"], place).scalar_one():
            return True
        found = tx.execute(STATEMENTS["promotable"], {**self._rule, "trial_id": trial_id})
        if found.one_or_none() is None:
            return False
        self._climb(tx, trial_id)
        return True

    def promote(self, tx: Connection) -> Any | None:
        """The row of a paused trial that goes on, None where there is none."""
        found = tx.execute(STATEMENTS["promotable"], {**self._rule, "trial_id": None})
        return self._promoted(tx, found.one_or_none())

    def promote_leader(self, tx: Connection) -> Any | None:
        """The row of the best paused trial of the highest rung, where no trial is complete: asked
        when nothing else is left to do."""
        found = tx.execute(STATEMENTS["leader"], self._rule)
        return self._promoted(tx, found.one_or_none())

    def end(self, tx: Connection) -> None:
        """Ends all that are paused: the study is over."""
        for row in tx.execute(STATEMENTS["paused"], self._rule).all():
            tx.execute(STATEMENTS["drop_attribute"], {"trial_id": row.trial_id, "key": PAUSED})
            write_end(
                tx,
                row.trial_id,
                Outcome.PRUNED,
                values=() if row.value is None else (row.value,),
                weights=row.weights,
                attributes={"reason": f"paused after {row.last_epoch + 1} epochs, not promoted"},
            )

    def _promoted(self, tx: Connection, row: Any | None) -> Any | None:
        if row is not None:
            self._climb(tx, row.trial_id)
            tx.execute(STATEMENTS["drop_attribute"], {"trial_id": row.trial_id, "key": PAUSED})
        return row

    def _climb(self, tx: Connection, trial_id: int) -> None:
        tx.execute(STATEMENTS["climb"], {"trial_id": trial_id})
