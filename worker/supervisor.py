"""A worker: claims trials, keeps K of them training, reports, and leaves without losing one.

Holds no CUDA context and never imports torch, so that what a trial does to its device or memory
ends with the trial's process. Knows nothing of how a trial is trained (see trial.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait

from study import exit_codes
from study.database import is_outage
from study.halving import Halving
from study.lease import Lease, NoTrial
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry
from worker.beginning import configured
from worker.health import Health
from worker.heart import Heart
from worker.leaving import Leaving, farewell
from worker.messages import Assignment, Standby
from worker.outlook import Outlook
from worker.packing.room import Room
from worker.parts import Parts
from worker.patience import Patience
from worker.place import Place
from worker.slot import Desk, Slot, Vacated
from worker.tidy import tidy
from worker.trial_processes import TrialProcesses

CLAIM_PAUSE = 1.0  # seconds between claims while other workers hold the last trials
LONGEST_WAIT = 30.0  # seconds until the loop turns again, though no trial spoke

log = logging.getLogger(__name__)


class Supervisor:
    """One worker on one device. Use from the main thread: it handles SIGTERM and SIGINT."""

    def __init__(
        self,
        registry: Registry,
        study: RegisteredStudy,
        place: Place,
        room: Room,
        health: Health,
    ) -> None:
        self._study = study
        self._place = place
        self._room = room
        self._health = health
        halving = Halving.of(study.config.search)
        self._ledger = Ledger(registry.engine, study.study_id, place.worker, halving)
        self._leaving = Leaving()
        self._slots: list[Slot] = []
        self._claim_at = 0.0  # monotonic seconds
        self._idle_since: float | None = None
        self._chores: list[Callable[[], object]] = []  # what can wait until the device is busy
        self._lost: list[Lease] = []  # told by the heart
        resources = study.config.resources
        self._patience = Patience(self._leaving.begun, self._ledger.outage_over, health.turned)
        heart = Heart(
            self._ledger,
            lease_seconds=resources.lease_seconds,
            share=lambda: room.share,
            lost=self._note_lost,
        )
        self._desk = Desk(
            ledger=self._ledger,
            patience=self._patience,
            heart=heart,
            optuna_study=registry.optuna_study(study),
            artifacts=place.artifacts,
            memory_retries=resources.out_of_memory_retries,
        )
        self._parts = Parts(resources.out_of_memory_retries)
        improvement = study.config.search.budget.improvement
        self._outlook = Outlook(self._ledger, self._desk.optuna_study, self._patience, improvement)
        self._processes = TrialProcesses(
            Standby(
                store=place.data.store(study.store),
                artifacts=place.artifacts,
                config=study.config,
                device=place.device,
                threads=room.threads,
            )
        )

    @property
    def reason(self) -> str:
        """Why it left, where no signal and no end of the study was the cause."""
        return self._leaving.reason

    def run(self) -> int:
        """Trains trials until the study is done or the worker is told to leave; gives the exit
        status (see study/exit_codes.py)."""
        self._leaving.listen()
        self._processes.prepare()
        try:
            while True:
                self._claim()
                if not self._slots and self._leaving.status is not None:
                    return self._leaving.status
                self._show()
                self._attend()
                self._press_stragglers()
                if all(slot.training for slot in self._slots):
                    self._do_chores()
        except Exception as error:
            status = self._leaving.status
            if self._leaving.begun.is_set() and status is not None and is_outage(error):
                log.warning("leaving without the database; leases expire by themselves")
                return status
            raise
        finally:
            self._farewell()

    @property
    def _on_device(self) -> list[Slot]:
        """Those of trials that have not left it."""
        return [slot for slot in self._slots if slot.trained is None]

    def _claim(self) -> None:
        """Fills the free slots."""
        while (
            len(self._on_device) < self._room.slots
            and self._leaving.status is None
            and time.monotonic() >= self._claim_at
        ):
            holding = [slot.lease.trial_id for slot in self._slots]
            claimed = self._patience(partial(self._ledger.claim, holding))
            if isinstance(claimed, Lease):
                self._begin(claimed)
            elif claimed is NoTrial.WAIT:
                self._claim_at = time.monotonic() + CLAIM_PAUSE
            elif claimed is NoTrial.STOPPED:
                self._leaving.begin(exit_codes.PREEMPTED, "the study was stopped")
            else:
                self._leaving.status = exit_codes.DONE
                self._tidy_never_promoted()

    def _begin(self, lease: Lease) -> None:
        """Hands the trial to the process that is ready."""
        self._desk.heart.hold(lease)
        told = {slot.lease.trial_id: slot.trained.value for slot in self._slots if slot.trained}
        config = configured(self._desk, lease, self._study.config, told)
        if config is None:
            return
        process = self._processes.start(
            Assignment(
                config=config,
                number=lease.number,
                token=lease.token,
                store=self._place.data.store(self._study.store),
                directory=self._place.artifacts.trial(lease.number),
                device=self._place.device,
                threads=self._room.threads,
                last_epoch=lease.last_epoch,
                accumulation=self._parts.needed(config, lease.memory_retries),
            )
        )
        self._slots.append(Slot(self._desk, lease, process, idle_since=self._idle_since))
        if len(self._on_device) > 1:
            for slot in self._on_device:
                slot.crowded = True
        self._idle_since = None
        self._chores.append(self._processes.prepare)

    def _show(self) -> None:
        """Says how things stand."""
        if self._leaving.begun.is_set():
            state = "leaves"
        elif self._slots:
            state = "trains"
        else:
            state = "waits for a trial"
        training = any(slot.training for slot in self._slots)
        trials = {slot.lease.number: slot.epoch for slot in self._slots}
        ready = not self._leaving.begun.is_set() and (training or self._processes.ready)
        self._health.say(state, ready=ready, trials=trials)

    def _attend(self) -> None:
        """Waits until a trial speaks, a lease is lost, a signal comes, or it is time to claim."""
        pipes = [*(slot.process.pipe for slot in self._slots), *self._outlook.pipes]
        ready = wait([*pipes, self._leaving.wake_read], self._longest_wait())
        if self._leaving.wake_read in ready:
            self._leaving.woken()
        self._outlook.attend(ready)
        for slot in [slot for slot in self._slots if slot.process.pipe in ready]:
            on_device = slot.trained is None
            self._settle(slot, slot.attend())
            if on_device and slot.trained is not None:
                self._idle_since = slot.trained.last_step_at
            if slot.stopping_study:
                self._leaving.begin(exit_codes.PREEMPTED, "the study was stopped")
        lost = list(self._lost)
        del self._lost[: len(lost)]  # and not those the heart has added by now
        for slot in [slot for slot in self._slots if slot.lease in lost]:
            self._settle(slot, slot.abandon("the lease is over"))
        if self._leaving.begun.is_set():
            self._leaving.tell(self._slots)

    def _longest_wait(self) -> float:
        """Seconds."""
        if (grace := self._leaving.grace_left) is not None:
            return grace
        if len(self._on_device) >= self._room.slots:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, self._claim_at - time.monotonic()))

    def _settle(self, slot: Slot, vacated: Vacated | None) -> None:
        if vacated is None:
            return
        self._slots.remove(slot)
        self._processes.retire(slot.process)
        if vacated.ended:
            directory = self._place.artifacts.trial(slot.lease.number)
            self._chores.append(partial(tidy, directory, vacated.weights, self._place.mirror))
            self._chores.append(self._outlook.consider)
        if vacated.crowded:
            self._room.shrink(slot.lease.number)
        self._claim_at = 0.0
        if slot.trained is None:
            self._idle_since = vacated.last_step_at
        if vacated.leave is not None:
            self._leaving.begin(vacated.leave, vacated.reason)

    def _press_stragglers(self) -> None:
        """Ends trials that did not checkpoint within their grace."""
        if self._leaving.grace_left == 0.0:
            for slot in list(self._slots):
                self._settle(slot, slot.give_up())

    def _farewell(self) -> None:
        """Ends everything that was started."""
        farewell(self._slots)
        self._do_chores()
        self._desk.heart.end()
        self._outlook.close()
        self._processes.close()

    def _do_chores(self) -> None:
        """Forks the next process, lets those that trained before draw, buries those that ended and
        removes their checkpoints: what would come between two trials."""
        for chore in self._chores:
            chore()
        self._chores.clear()
        self._processes.dismiss()
        self._processes.bury()

    def _tidy_never_promoted(self) -> None:
        """Of trials that ended while nobody trained them; other workers may do it as well."""
        for number, weights in self._patience(self._ledger.never_promoted).items():
            tidy(self._place.artifacts.trial(number), weights, self._place.mirror)

    def _note_lost(self, lease: Lease) -> None:
        """Runs in the heart's thread."""
        self._lost.append(lease)
        self._leaving.wake()
