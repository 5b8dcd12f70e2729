"""A worker: claims trials, keeps K of them training, reports, and leaves without losing one.

Holds no CUDA context and never imports torch, so that what a trial does to its device or memory
ends with the trial's process. Knows nothing of how a trial is trained (see trial.py).
"""

from __future__ import annotations

import logging
import time
from functools import partial
from multiprocessing.connection import wait

from study import exit_codes
from study.database import is_outage
from study.lease import Lease, NoTrial
from study.registry import RegisteredStudy, Registry
from worker import desk
from worker.beginning import Beginning
from worker.chores import Chores
from worker.hand import Hand
from worker.health import Health
from worker.leaving import Leaving, farewell
from worker.messages import Standby
from worker.outlook import Outlook
from worker.packing.room import Room
from worker.place import Place
from worker.slot import Slot, Vacated
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
        self._room = room
        self._health = health
        self._leaving = Leaving()
        self._hand = Hand()
        self._claim_at = 0.0  # monotonic seconds
        self._lost: list[Lease] = []  # told by the heart
        self._desk = desk.opened(
            registry,
            study,
            place,
            room=room,
            health=health,
            leaving=self._leaving,
            lost=self._note_lost,
        )
        least = study.config.search.budget.improvement
        self._outlook = Outlook(
            self._desk.ledger, self._desk.optuna_study, self._desk.patience, least
        )
        standby = Standby(
            store=place.data.store(study.store),
            artifacts=place.artifacts,
            config=study.config,
            device=place.device,
            threads=room.threads,
        )
        self._processes = TrialProcesses(standby)
        self._beginning = Beginning(self._desk, standby, room, self._processes)
        self._chores = Chores(self._desk, place, self._outlook, self._processes)

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
                if not self._hand.slots and self._leaving.status is not None:
                    return self._leaving.status
                self._show()
                self._attend()
                self._press_stragglers()
                if all(slot.training for slot in self._hand.slots):
                    self._chores.do()
        except Exception as error:
            status = self._leaving.status
            if self._leaving.begun.is_set() and status is not None and is_outage(error):
                log.warning("leaving without the database; leases expire by themselves")
                return status
            raise
        finally:
            self._farewell()

    def _claim(self) -> None:
        """Fills the free slots."""
        while (
            len(self._hand.on_device) < self._room.slots
            and self._leaving.status is None
            and time.monotonic() >= self._claim_at
        ):
            holding = [slot.lease.trial_id for slot in self._hand.slots]
            claimed = self._desk.patience(partial(self._desk.ledger.claim, holding))
            if isinstance(claimed, Lease):
                self._begin(claimed)
            elif claimed is NoTrial.WAIT:
                self._claim_at = time.monotonic() + CLAIM_PAUSE
            elif claimed is NoTrial.STOPPED:
                self._leaving.begin(exit_codes.PREEMPTED, "the study was stopped")
            else:
                self._leaving.status = exit_codes.DONE
                self._chores.tidy_never_promoted()

    def _begin(self, lease: Lease) -> None:
        slot = self._beginning(lease, told=self._hand.told, idle_since=self._hand.idle_since)
        if slot is not None:
            self._hand.take(slot)
            self._chores.after_begin()

    def _show(self) -> None:
        """Says how things stand."""
        if self._leaving.begun.is_set():
            state = "leaves"
        elif self._hand.slots:
            state = "trains"
        else:
            state = "waits for a trial"
        training = any(slot.training for slot in self._hand.slots)
        trials = {slot.lease.number: slot.epoch for slot in self._hand.slots}
        ready = not self._leaving.begun.is_set() and (training or self._processes.ready)
        self._health.say(state, ready=ready, trials=trials)

    def _attend(self) -> None:
        """Waits until a trial speaks, a lease is lost, a signal comes, or it is time to claim."""
        pipes = [process.pipe for process in self._hand.processes]
        ready = wait([*pipes, *self._outlook.pipes, self._leaving.wake_read], self._longest_wait())
        if self._leaving.wake_read in ready:
            self._leaving.woken()
        self._outlook.attend(ready)
        for slot in self._hand.ready(ready):
            self._settle(slot, self._hand.attend(slot))
            if slot.stopping_study:
                self._leaving.begin(exit_codes.PREEMPTED, "the study was stopped")
        lost = list(self._lost)
        del self._lost[: len(lost)]  # and not those the heart has added by now
        for slot in [slot for slot in self._hand.slots if slot.lease in lost]:
            self._settle(slot, slot.abandon("the lease is over"))
        if self._leaving.begun.is_set():
            self._leaving.tell(self._hand.processes)

    def _longest_wait(self) -> float:
        """Seconds."""
        if (grace := self._leaving.grace_left) is not None:
            return grace
        if len(self._hand.on_device) >= self._room.slots:
            return LONGEST_WAIT
        return min(LONGEST_WAIT, max(0.0, self._claim_at - time.monotonic()))

    def _settle(self, slot: Slot, vacated: Vacated | None) -> None:
        if vacated is None:
            return
        self._hand.drop(slot, vacated)
        self._processes.retire(slot.process)
        if vacated.ended:
            self._chores.after_end(slot.lease.number, vacated.weights)
        if vacated.crowded:
            self._room.shrink(slot.lease.number)
        self._claim_at = 0.0
        if vacated.leave is not None:
            self._leaving.begin(vacated.leave, vacated.reason)

    def _press_stragglers(self) -> None:
        """Ends trials that did not checkpoint within their grace."""
        if self._leaving.grace_left == 0.0:
            for slot in list(self._hand.slots):
                self._settle(slot, slot.give_up())

    def _farewell(self) -> None:
        """Ends everything that was started."""
        farewell(self._hand.processes)
        self._chores.do()
        self._desk.heart.end()
        self._outlook.close()
        self._processes.close()

    def _note_lost(self, lease: Lease) -> None:
        """Runs in the heart's thread."""
        self._lost.append(lease)
        self._leaving.wake()
