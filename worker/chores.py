"""What can wait until the device is busy again: done at once, it would come between two trials.

Knows nothing of what keeps the device busy (see supervisor.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from worker.desk import Desk
from worker.outlook import Outlook
from worker.place import Place
from worker.tidy import tidy
from worker.trial_processes import TrialProcesses


class Chores:
    """One worker's. Use from the main thread."""

    def __init__(
        self, desk: Desk, place: Place, outlook: Outlook, processes: TrialProcesses
    ) -> None:
        self._desk = desk
        self._place = place
        self._outlook = outlook
        self._processes = processes
        self._waiting: list[Callable[[], object]] = []

    def after_begin(self) -> None:
        """A trial has taken the process that was ready: the next one is to be forked."""
        self._waiting.append(self._processes.prepare)

    def after_end(self, number: int, weights: str | None) -> None:
        """The trial is over: its checkpoints are to be removed, all but `weights`, and what is left
        to gain is to be bounded."""
        self._waiting.append(partial(self._tidy, number, weights))
        self._waiting.append(self._outlook.consider)

    def do(self) -> None:
        """All that waits. Those that trained before may draw, and are buried when they end."""
        for chore in self._waiting:
            chore()
        self._waiting.clear()
        self._processes.dismiss()
        self._processes.bury()

    def tidy_never_promoted(self) -> None:
        """Of trials that ended while nobody trained them; other workers may do it as well."""
        for number, weights in self._desk.patience(self._desk.ledger.never_promoted).items():
            self._tidy(number, weights)

    def _tidy(self, number: int, weights: str | None) -> None:
        tidy(self._place.artifacts.trial(number), weights, self._place.mirror)
