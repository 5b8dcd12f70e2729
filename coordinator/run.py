"""Keeps a study running until it ends: the loop around reconcile.py, and leaving it cleanly.

Survives outages of the database, starts the embedded one again, and steps aside for a coordinator
that runs the study already. Knows nothing of how the study came about (submit.py).
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field

from coordinator.backends.backend import Backend
from coordinator.leadership import Leadership
from coordinator.reconcile import End, apply, crashed, decide, reporters
from coordinator.stop import ask_to_leave
from coordinator.watch import View
from study import exit_codes
from study.database import is_outage, place
from study.embedded import EmbeddedPostgres
from study.ledger import Ledger
from study.progress import Progress, observe
from study.registry import RegisteredStudy, Registry

PERIOD = 1.0  # seconds between two steps
KILL_PATIENCE = 5.0  # seconds for a killed process to be gone; one stuck in a driver never is
GRACE = 45.0  # seconds a worker has to leave; its trials alone have 20 to checkpoint


@dataclass(kw_only=True)
class Run:
    """A study, where it is kept, and where its workers run."""

    registry: Registry
    server: EmbeddedPostgres | None
    """To start again when it dies; None for a database that is not ours."""
    study: RegisteredStudy
    backend: Backend
    view: View
    leads: bool = field(default=False, init=False)
    """Whether the workers are ours to stop."""

    def until_end(self) -> End:
        """Runs the study. KeyboardInterrupt may end it at any line."""
        ledger = Ledger(self.registry.engine, self.study.study_id, "coordinator")
        self._start_afresh(ledger)
        with Leadership(self.registry.engine, self.study.study_id) as leadership:
            while True:
                try:
                    end = self._step(leadership, ledger)
                    if end is not None:
                        return end
                except Exception as error:
                    if not is_outage(error):
                        raise
                    self._bear_outage()
                time.sleep(PERIOD)

    def shut_down(self) -> None:
        """Stops the study and waits until its workers have left; those that take longer than their
        grace, or are there when KeyboardInterrupt comes, are killed."""
        try:
            self._stop_study()
            deadline = time.monotonic() + GRACE
            while ask_to_leave(self.backend) and time.monotonic() < deadline:
                time.sleep(PERIOD / 5)
        finally:
            self._kill_all()
        self._show_last()

    def _start_afresh(self, ledger: Ledger) -> None:
        """Gives free what dead workers of an earlier run hold, and no longer counts their crashes:
        a person has asked to try again."""
        for worker in self.backend.observe():
            if not worker.alive:
                ledger.expire(worker.name)
        self.backend.forget()

    def _step(self, leadership: Leadership, ledger: Ledger) -> End | None:
        self.leads = leadership.held()
        progress = observe(self.registry, self.registry.find(self.study.name))
        workers = self.backend.observe()
        self.view.show(progress, workers)
        if not self.leads:
            self.view.note("another coordinator runs this study; watching, and ready to take over")
            return _end_of_watching(progress)
        reported = (
            reporters(self.registry, self.study.study_id) if any(map(crashed, workers)) else set()
        )
        return apply(decide(progress, workers, reported), self.backend, ledger)

    def _kill_all(self) -> None:
        """Ends the workers that are left; again, where one had only just been started."""
        for worker in self.backend.observe():
            if worker.alive:
                self.view.note(f"worker {worker.index} did not leave and is killed")
        deadline = time.monotonic() + KILL_PATIENCE
        while alive := [worker.index for worker in self.backend.observe() if worker.alive]:
            for index in alive:
                self.backend.kill(index)
            if time.monotonic() > deadline:
                return
            time.sleep(PERIOD / 5)

    def _show_last(self) -> None:
        """What stays on the terminal says that the workers have left."""
        try:
            progress = observe(self.registry, self.registry.find(self.study.name))
        except Exception as error:
            if not is_outage(error):
                raise
            return
        self.view.show(progress, self.backend.observe())

    def _bear_outage(self) -> None:
        self.view.note(f"the database {place(self.registry.url)} does not answer; waiting for it")
        if self.server is not None:
            try:
                self.server.ensure_running()
            except subprocess.SubprocessError as error:
                self.view.note(f"it cannot be started again yet: {error}")

    def _stop_study(self) -> None:
        """Says in the ledger that no trial is to begin; a worker told to leave needs no ledger."""
        try:
            self.registry.stop(self.study.name)
        except Exception as error:
            if not is_outage(error):
                raise
            self.view.note("the database does not answer; stopping the workers all the same")


def _end_of_watching(progress: Progress) -> End | None:
    if progress.done:
        return End(exit_codes.DONE)
    return End(exit_codes.PREEMPTED) if progress.budget.stopped else None
