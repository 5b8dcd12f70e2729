"""A worker: claims trials, keeps K of them training, reports, and leaves without losing one.

Holds no CUDA context and never imports torch, so that what a trial does to its device or memory
ends with the trial's process. Knows nothing of how a trial is trained (see trial.py).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait

from study import exit_codes
from study.config.fill import fill
from study.database import is_outage
from study.errors import Infeasible, LeaseLost
from study.lease import Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.paths import DataPaths, StudyPaths
from study.registry import RegisteredStudy, Registry
from study.sampling import ask, build_sampler
from worker.heart import Heart
from worker.messages import Assignment, Stop
from worker.patience import Patience
from worker.slot import Desk, Slot, Vacated
from worker.tidy import tidy
from worker.trial_processes import TrialProcesses

CLAIM_PAUSE = 1.0  # seconds between claims while other workers hold the last trials
STOP_GRACE = 20.0  # seconds a trial has to checkpoint when the worker is told to leave

FAREWELL = 5.0  # seconds, the same when the database is gone too

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a worker works."""

    worker: str
    """Its name, unique for each start."""
    data: DataPaths
    artifacts: StudyPaths
    device: str
    """As torch.device takes it, or `auto`."""
    threads: int
    """CPU threads of one trial."""


class Supervisor:
    """One worker on one device. Use from the main thread: it handles SIGTERM and SIGINT."""

    def __init__(self, registry: Registry, study: RegisteredStudy, place: Place) -> None:
        self._study = study
        self._place = place
        self._ledger = Ledger(registry.engine, study.study_id, place.worker)
        self._leaving = threading.Event()
        self._exit_status: int | None = None
        self.reason = ""
        """Why it left, where no signal and no end of the study was the cause."""
        self._stop_sent_at: float | None = None
        self._slots: list[Slot] = []
        self._claim_at = 0.0  # monotonic seconds
        self._idle_since: float | None = None
        self._chores: list[Callable[[], object]] = []  # what can wait until the device is busy
        self._lost: list[Lease] = []  # told by the heart
        self._wake_read, self._wake_write = os.pipe()
        resources = study.config.resources
        self._patience = Patience(self._leaving, self._ledger.outage_over)
        heart = Heart(
            self._ledger,
            lease_seconds=resources.lease_seconds,
            share=1.0 / resources.slots_per_device,
            lost=self._note_lost,
        )
        self._desk = Desk(
            ledger=self._ledger,
            patience=self._patience,
            heart=heart,
            optuna_study=registry.optuna_study(study),
            memory_retries=resources.out_of_memory_retries,
        )
        self._processes = TrialProcesses(place.data.store(study.store))

    def run(self) -> int:
        """Trains trials until the study is done or the worker is told to leave; gives the exit
        status (see study/exit_codes.py)."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._processes.prepare()
        try:
            while True:
                self._claim()
                if not self._slots and self._exit_status is not None:
                    return self._exit_status
                self._attend()
                self._press_stragglers()
                if all(slot.training for slot in self._slots):
                    self._do_chores()
        except Exception as error:
            if self._leaving.is_set() and self._exit_status is not None and is_outage(error):
                log.warning("leaving without the database; leases expire by themselves")
                return self._exit_status
            raise
        finally:
            self._farewell()

    def _claim(self) -> None:
        """Fills the free slots."""
        slots = self._study.config.resources.slots_per_device
        while (
            len(self._slots) < slots
            and self._exit_status is None
            and time.monotonic() >= self._claim_at
        ):
            holding = [slot.lease.trial_id for slot in self._slots]
            claimed = self._patience(partial(self._ledger.claim, holding))
            if isinstance(claimed, Lease):
                self._begin(claimed)
            elif claimed is NoTrial.WAIT:
                self._claim_at = time.monotonic() + CLAIM_PAUSE
            elif claimed is NoTrial.STOPPED:
                self._leave(exit_codes.PREEMPTED, "the study was stopped")
            else:
                self._exit_status = exit_codes.DONE

    def _begin(self, lease: Lease) -> None:
        """Samples what the trial lacks and hands it to the process that is ready."""
        self._desk.heart.hold(lease)
        study = self._desk.optuna_study
        study.sampler = build_sampler(self._study.config.search.sampler, trial=lease.number)
        config = self._study.config
        try:
            parameters = self._patience(lambda: ask(study, lease.trial_id, config))
        except LeaseLost as lost:
            log.warning("trial %d: dropped: %s", lease.number, lost)
            self._desk.heart.drop(lease)
            return
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("trial %d: no parameters", lease.number)
            reason = f"no parameters: {type(error).__name__}: {error}"
            self._end_untrained(lease, Outcome.FAILED, reason)
            return
        how = f"adopted from {lease.adopted_from}" if lease.adopted_from else "begun"
        log.info("trial %d: %s: %s", lease.number, how, parameters)
        try:
            filled = fill(config, parameters)
        except Infeasible as error:
            self._end_untrained(lease, Outcome.INFEASIBLE, str(error))
            return
        process = self._processes.start(
            Assignment(
                config=filled,
                token=lease.token,
                store=self._place.data.store(self._study.store),
                directory=self._place.artifacts.trial(lease.number),
                device=self._place.device,
                threads=self._place.threads,
                last_epoch=lease.last_epoch,
                accumulation=2**lease.memory_retries,
            )
        )
        self._slots.append(Slot(self._desk, lease, process, idle_since=self._idle_since))
        self._idle_since = None
        self._chores.append(self._processes.prepare)

    def _end_untrained(self, lease: Lease, outcome: Outcome, reason: str) -> None:
        self._desk.heart.drop(lease)
        try:
            self._patience(
                lambda: self._ledger.finish(lease, outcome, attributes={"reason": reason})
            )
        except LeaseLost as lost:
            log.warning("trial %d: dropped: %s", lease.number, lost)

    def _attend(self) -> None:
        """Waits until a trial speaks, a lease is lost, a signal comes, or it is time to claim."""
        pipes = [slot.process.pipe for slot in self._slots]
        ready = wait([*pipes, self._wake_read], self._patience_seconds())
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        for slot in [slot for slot in self._slots if slot.process.pipe in ready]:
            self._settle(slot, slot.attend())
            if slot.stopping_study:
                self._leave(exit_codes.PREEMPTED, "the study was stopped")
        lost = list(self._lost)
        del self._lost[: len(lost)]  # and not those the heart has added by now
        for slot in [slot for slot in self._slots if slot.lease in lost]:
            self._settle(slot, slot.abandon("the lease is over"))
        if self._leaving.is_set():
            self._tell_to_stop()

    def _patience_seconds(self) -> float | None:
        if self._stop_sent_at is not None:
            return max(0.0, self._stop_sent_at + STOP_GRACE - time.monotonic())
        if len(self._slots) == self._study.config.resources.slots_per_device:
            return None
        return max(0.0, self._claim_at - time.monotonic())

    def _settle(self, slot: Slot, vacated: Vacated | None) -> None:
        if vacated is None:
            return
        self._slots.remove(slot)
        self._chores.append(slot.process.join)
        if vacated.ended:
            directory = self._place.artifacts.trial(slot.lease.number)
            self._chores.append(partial(tidy, directory, vacated.weights))
        self._claim_at = 0.0
        self._idle_since = vacated.last_step_at
        if vacated.leave is not None:
            self._leave(vacated.leave, vacated.reason)

    def _leave(self, status: int, reason: str) -> None:
        """Begins to leave; the first reason counts."""
        if not self._leaving.is_set():
            log.warning("leaving: %s", reason)
            self.reason = reason
            self._exit_status = status
            self._leaving.set()

    def _tell_to_stop(self) -> None:
        """Asks the trials to checkpoint, once."""
        if self._stop_sent_at is None:
            self._stop_sent_at = time.monotonic()
            for slot in self._slots:
                slot.process.send(Stop())

    def _press_stragglers(self) -> None:
        """Ends trials that did not checkpoint within their grace."""
        if self._stop_sent_at is None or time.monotonic() < self._stop_sent_at + STOP_GRACE:
            return
        for slot in list(self._slots):
            self._settle(slot, slot.give_up())

    def _farewell(self) -> None:
        """Lets trials that are still there checkpoint, without the database, and ends everything
        that was started."""
        for slot in self._slots:
            slot.process.send(Stop())
        for slot in self._slots:
            slot.process.linger(FAREWELL)
        self._do_chores()
        self._desk.heart.end()
        self._processes.close()

    def _do_chores(self) -> None:
        """Forks the next process, buries the last one and removes its checkpoints: 50 ms or more
        that would come between two trials."""
        for chore in self._chores:
            chore()
        self._chores.clear()

    def _note_lost(self, lease: Lease) -> None:
        """Runs in the heart's thread."""
        self._lost.append(lease)
        os.write(self._wake_write, b"l")

    def _on_signal(self, number: int, _frame: object) -> None:
        """Runs between two instructions of the main thread: sets, writes, and no more."""
        if self._exit_status is None or not self._leaving.is_set():
            interrupted = number == signal.SIGINT
            self._exit_status = exit_codes.INTERRUPTED if interrupted else exit_codes.PREEMPTED
            self._leaving.set()
        os.write(self._wake_write, b"s")
