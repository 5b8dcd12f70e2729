"""One trial in hand: its process, and what is said between it and the trial's account.

Knows nothing of other trials and of signals (see supervisor.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from study.attachments import attributes
from study.errors import LeaseLost
from study.lease import Outcome
from worker.account import Account
from worker.failures import GiveBack, crashed, policy
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
from worker.trial_processes import TrialProcess

log = logging.getLogger(__name__)


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
        self, account: Account, process: TrialProcess, *, idle_since: float | None
    ) -> None:
        """`idle_since` is when the trial before this one did its last step, monotonic seconds."""
        self.lease = account.lease
        self.process = process
        self.stopping_study = False
        self.training = False
        self.crowded = False
        """Whether other trials have, or had, a part of the device."""
        self.trained: Trained | None = None
        """What was said when the device was left, which another trial may use by now."""
        self.epoch = self.lease.last_epoch
        self._account = account
        self._idle_since = idle_since
        self._budget_spent = False
        self._paused = False

    def attend(self) -> Vacated | None:
        """Takes the next thing the trial says; gives None while it trains on."""
        event = self.process.receive()
        try:
            return self._answer(event)
        except LeaseLost as lost:
            return self.abandon(str(lost))

    def abandon(self, reason: str) -> Vacated:
        """The trial belongs to another worker: end the process and write nothing."""
        self._account.drop(reason)
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
                self._account.leave_device()
                return None
            case EpochDone():
                self.process.send(self._report(event))
                return None
            case Finished():
                return self._finish(event)
            case Interrupted() if self._paused:
                self._account.rest(event)
                return Vacated()
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
            self._account.attributes["turnaround_seconds"] = round(step.at - self._idle_since, 4)

    def _report(self, done: EpochDone) -> Command:
        reported = self._account.report(done)
        self.epoch = done.epoch
        self.stopping_study = reported.budget.stopped
        self._budget_spent = reported.budget.time_spent
        log.info(
            "trial %d: epoch %d: %.4f, %.0f pictures/s",
            self.lease.number,
            done.epoch,
            done.value,
            done.metrics.get("images_per_second", 0.0),
        )
        if reported.paused:
            self._paused = True
            return Stop()  # its checkpoint is written
        if self._budget_spent:
            return Prune()
        if done.intermediate is None:
            return Continue()
        return Prune() if self._account.should_prune() else Continue()

    def _finish(self, finished: Finished) -> Vacated:
        account = self._account
        account.attributes["best_epoch"] = finished.best_epoch
        if finished.pruned and self._budget_spent:
            account.attributes["reason"] = "the study's time was spent"
        account.end(
            Outcome.PRUNED if finished.pruned else Outcome.COMPLETE,
            value=finished.value,
            second=finished.second,
            weights=finished.weights,
            attached=attributes(account.desk.artifacts, self.lease.number, finished.attached),
        )
        return Vacated(last_step_at=finished.last_step_at, ended=True, weights=finished.weights)

    def _fail(self, failed: Failed) -> Vacated:
        retries = self._account.desk.memory_retries
        verdict = policy(failed, self.lease, memory_retries=retries, crowded=self.crowded)
        if isinstance(verdict, GiveBack):
            return self._release(verdict)
        self._account.attributes.update(verdict.attributes)
        log.warning("trial %d: %s: %s", self.lease.number, verdict.outcome.value, failed.reason)
        self._account.end(verdict.outcome)
        return Vacated(ended=True)

    def _release(self, verdict: GiveBack) -> Vacated:
        self._account.release(verdict)
        return Vacated(leave=verdict.leave, reason=verdict.reason, crowded=verdict.crowded)
