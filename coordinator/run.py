"""Keeps a study running until it ends: the loop around reconcile.py, and leaving it cleanly.

Survives outages of the database, starts the embedded one again, and steps aside for a coordinator
that runs the study already. Knows nothing of how the study came about (submit.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from coordinator.backends.backend import Backend
from coordinator.leadership import Leadership
from coordinator.reconcile import Action, End, Stop, apply, crashed, decide, reporters
from coordinator.snapshot import snapshot
from coordinator.stop import ask_to_leave
from coordinator.watch import View
from study import exit_codes
from study.database import is_outage, place
from study.embedded import EmbeddedPostgres
from study.errors import DatabaseUnreachable, StudyNotFound
from study.ledger import Ledger
from study.progress import Progress, observe
from study.registry import RegisteredStudy, Registry

PERIOD = 1.0  # seconds between two steps
KILL_PATIENCE = 5.0  # seconds for a killed process to be gone; one stuck in a driver never is
FAREWELL = 8.0  # seconds in which workers of a study that is done leave without being asked
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
    _over_since: float | None = field(default=None, init=False)
    """Monotonic seconds since when nothing is left to do but workers are there."""
    _fresh: bool = field(default=False, init=False)
    """Whether the past of dead workers was forgotten."""

    def until_end(self) -> End:
        """Runs the study. KeyboardInterrupt or Terminated may end it at any line."""
        ledger = Ledger(self.registry.engine, self.study.study_id, "coordinator")
        with Leadership(self.registry.engine, self.study.study_id) as leadership:
            while True:
                try:
                    end = self._step(leadership, ledger)
                    if end is not None:
                        return end
                except StudyNotFound:  # deleted: its workers have nothing left to hold on to
                    if self.leads:
                        self._dismiss()
                        self._kill_all()
                    raise
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
            self._dismiss()
        finally:
            self._kill_all()
        self._show_last()

    def _dismiss(self) -> None:
        deadline = time.monotonic() + GRACE
        while ask_to_leave(self.backend) and time.monotonic() < deadline:
            time.sleep(PERIOD / 5)

    def _start_afresh(self, ledger: Ledger) -> None:
        """Gives free what dead workers of an earlier run hold, and no longer counts their crashes:
        a person has asked to try again."""
        for worker in self.backend.observe():
            if not worker.alive:
                ledger.expire(worker.name)
        self.backend.forget()
        self._fresh = True

    def _step(self, leadership: Leadership, ledger: Ledger) -> End | None:
        self.leads = leadership.held()
        if self.leads and not self._fresh:
            self._start_afresh(ledger)
        progress = observe(self.registry, self.registry.find(self.study.name))
        workers = self.backend.observe()
        self.view.show(snapshot(progress, workers))
        if not self.leads:
            self.view.note("another coordinator runs this study; watching, and ready to take over")
            return _end_of_watching(progress)
        reported = (
            reporters(self.registry, self.study.study_id) if any(map(crashed, workers)) else set()
        )
        actions = decide(progress, workers, reported)
        return apply(self._patiently(actions, progress), self.backend, ledger)

    def _patiently(self, actions: list[Action], progress: Progress) -> list[Action]:
        """Lets the workers of a study that is over leave by themselves at first, then asks them
        to, and kills those that do not."""
        if not _is_over(progress) or not any(isinstance(action, Stop) for action in actions):
            self._over_since = None
            return actions
        now = time.monotonic()
        if self._over_since is None:
            self._over_since = now
        if now > self._over_since + GRACE:
            self._kill_all()
        if progress.done and now < self._over_since + FAREWELL:
            return [action for action in actions if not isinstance(action, Stop)]
        return actions

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
        self.view.show(snapshot(progress, self.backend.observe()))

    def _bear_outage(self) -> None:
        self.view.note(f"the database {place(self.registry.url)} does not answer; waiting for it")
        if self.server is not None:
            try:
                self.server.ensure_running()
            except DatabaseUnreachable as error:
                self.view.note(f"it cannot be started again yet: {error}")

    def _stop_study(self) -> None:
        """Says in the ledger that no trial is to begin; a worker told to leave needs no ledger."""
        try:
            self.registry.stop(self.study.name)
        except Exception as error:
            if not is_outage(error):
                raise
            self.view.note("the database does not answer; stopping the workers all the same")


def _is_over(progress: Progress) -> bool:
    return progress.done or progress.budget.stopped


def _end_of_watching(progress: Progress) -> End | None:
    if progress.done:
        return End(exit_codes.DONE)
    return End(exit_codes.PREEMPTED) if progress.budget.stopped else None
