"""One trial in hand: its lease, its process, and what is said between process and ledger.

Knows nothing of other trials and of signals (see supervisor.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import optuna

from study.attachments import attributes
from study.errors import LeaseLost
from study.lease import Lease, Outcome
from study.ledger import Ledger
from study.paths import StudyPaths
from study.sampling import should_prune
from worker.failures import GiveBack, crashed, policy
from worker.heart import Heart
from worker.messages import (
    Command,
    Continue,
    EpochDone,
    Failed,
    Finished,
    FirstStep,
    Interrupted,
    Prune,
    Stop,
    Trained,
    Warm,
)
from worker.patience import Patience
from worker.trial_processes import TrialProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every slot of a worker shares."""

    ledger: Ledger
    patience: Patience
    heart: Heart
    optuna_study: optuna.Study
    artifacts: StudyPaths
    memory_retries: int


@dataclass(frozen=True, kw_only=True)
class Vacated:
    """The slot is free again."""

    leave: int | None = None
    """Exit status, if the worker is to leave because of what happened."""
    reason: str = ""
    last_step_at: float | None = None
    """Monotonic seconds of the trial's last training step, where it came to its end."""
    ended: bool = False
    """Whether the trial is over, not only gone from here."""
    crowded: bool = False
    """Whether it went for want of memory that its neighbours had."""
    weights: str | None = None
    """File in the trial's directory that an ended trial is left with."""


class Slot:
    """A leased trial and the process that trains it."""

    def __init__(
        self, desk: Desk, lease: Lease, process: TrialProcess, *, idle_since: float | None
    ) -> None:
        """`idle_since` is when the trial before this one did its last step, monotonic seconds."""
        self.lease = lease
        self.process = process
        self.stopping_study = False
        self.training = False
        self.crowded = False
        """Whether other trials have, or had, a part of the device."""
        self.trained: Trained | None = None
        """What was said when the device was left, which another trial may use by now."""
        self.epoch = lease.last_epoch
        self._desk = desk
        self._idle_since = idle_since
        self._attributes: dict[str, str | int | float] = {}
        self._budget_spent = False
        self._paused = False
        self._unbooked = 0.0  # device seconds

    def attend(self) -> Vacated | None:
        """Takes the next thing the trial says; gives None while it trains on."""
        event = self.process.receive()
        try:
            return self._answer(event)
        except LeaseLost as lost:
            return self.abandon(str(lost))

    def abandon(self, reason: str) -> Vacated:
        """The trial belongs to another worker: end the process and write nothing."""
        log.warning("trial %d: dropped: %s", self.lease.number, reason)
        self._desk.heart.drop(self.lease)
        self.process.kill()
        return Vacated(reason=reason)

    def give_up(self) -> Vacated:
        """The process did not stop in time: end it; the trial goes on from its last checkpoint."""
        self.process.kill()
        try:
            return self._release(GiveBack(reason="did not stop in time"))
        except LeaseLost as lost:
            return self.abandon(str(lost))

    def _answer(self, event: object) -> Vacated | None:
        match event:
            case Warm():
                return None
            case FirstStep():
                self._note_turnaround(event)
                return None
            case Trained():
                self.trained = event
                self._unbooked = self._desk.heart.rest(self.lease)
                return None
            case EpochDone():
                self.process.send(self._report(event))
                return None
            case Finished():
                return self._finish(event)
            case Interrupted() if self._paused:
                return self._rest(event)
            case Interrupted():
                return self._release(GiveBack(reason="stopped"))
            case Failed():
                return self._fail(event)
            case _:
                return self._release(crashed(self.process.join(), crowded=self.crowded))

    def _note_turnaround(self, step: FirstStep) -> None:
        self.training = True
        log.info("trial %d: first step", self.lease.number)
        if self._idle_since is not None:
            self._attributes["turnaround_seconds"] = round(step.at - self._idle_since, 4)

    def _report(self, done: EpochDone) -> Command:
        desk, lease = self._desk, self.lease
        reported = desk.patience(
            lambda: desk.ledger.report(
                lease, epoch=done.epoch, intermediate=done.intermediate, metrics=done.metrics
            )
        )
        budget = reported.budget
        self.epoch = done.epoch
        self.stopping_study = budget.stopped
        self._budget_spent = budget.time_spent
        log.info(
            "trial %d: epoch %d: %.4f, %.0f pictures/s",
            lease.number,
            done.epoch,
            done.value,
            done.metrics.get("images_per_second", 0.0),
        )
        if reported.paused:
            self._paused = True
            return Stop()  # its checkpoint is written
        if budget.time_spent:
            return Prune()
        if done.intermediate is None:
            return Continue()
        prune = desk.patience(lambda: should_prune(desk.optuna_study, lease.trial_id))
        return Prune() if prune else Continue()

    def _finish(self, finished: Finished) -> Vacated:
        desk = self._desk
        outcome = Outcome.PRUNED if finished.pruned else Outcome.COMPLETE
        self._attributes["best_epoch"] = finished.best_epoch
        if finished.pruned and self._budget_spent:
            self._attributes["reason"] = "the study's time was spent"
        attached = attributes(desk.artifacts, self.lease.number, finished.attached)
        self._end(outcome, finished.value, finished.weights, attached, second=finished.second)
        return Vacated(last_step_at=finished.last_step_at, ended=True, weights=finished.weights)

    def _fail(self, failed: Failed) -> Vacated:
        retries = self._desk.memory_retries
        verdict = policy(failed, self.lease, memory_retries=retries, crowded=self.crowded)
        if isinstance(verdict, GiveBack):
            return self._release(verdict)
        self._attributes.update(verdict.attributes)
        log.warning("trial %d: %s: %s", self.lease.number, verdict.outcome.value, failed.reason)
        self._end(verdict.outcome, None, None)
        return Vacated(ended=True)

    def _end(
        self,
        outcome: Outcome,
        value: float | None,
        weights: str | None,
        attached: Mapping[str, str] | None = None,
        *,
        second: float | None = None,
    ) -> None:
        desk, lease = self._desk, self.lease
        self._book()
        desk.patience(
            lambda: desk.ledger.finish(
                lease,
                outcome,
                value=value,
                second=second,
                weights=weights,
                attributes=self._attributes,
                system_attributes=attached,
            )
        )
        shown = "" if value is None else f", value {value:.4f}"
        log.info("trial %d: %s%s", lease.number, outcome.value, shown)

    def _release(self, verdict: GiveBack) -> Vacated:
        desk, lease = self._desk, self.lease
        log.warning("trial %d: given back: %s", lease.number, verdict.reason)
        self._book()
        desk.patience(
            lambda: desk.ledger.release(
                lease, lost=verdict.lost, out_of_memory=verdict.out_of_memory
            )
        )
        return Vacated(leave=verdict.leave, reason=verdict.reason, crowded=verdict.crowded)

    def _rest(self, interrupted: Interrupted) -> Vacated:
        """The trial is paused, and may be another's by now."""
        desk, lease = self._desk, self.lease
        log.info("trial %d: paused", lease.number)
        self._book()
        value, weights = interrupted.value, interrupted.weights
        desk.patience(lambda: desk.ledger.rest(lease, value=value, weights=weights))
        return Vacated()

    def _book(self) -> None:
        """Books the device time since the last heartbeat, which was the last one."""
        seconds = self._unbooked + self._desk.heart.drop(self.lease)
        self._desk.patience(lambda: self._desk.ledger.heartbeat(self.lease, seconds))
