"""From a claimed trial to the process that trains it: what it lacks is sampled and stored.

A trial that cannot be given parameters is ended at once. Knows nothing of how one is trained.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from study.config.fill import fill
from study.config.records import StudyConfig
from study.database import is_outage
from study.errors import Infeasible, LeaseLost
from study.lease import Lease, Outcome
from study.sampling import ask, build_sampler
from worker.account import Account
from worker.desk import Desk
from worker.messages import Assignment, Standby
from worker.packing.room import Room
from worker.parts import Parts
from worker.slot import Slot
from worker.trial_processes import TrialProcesses

log = logging.getLogger(__name__)


class Beginning:
    """How a worker begins a study's trials. Use from the main thread."""

    def __init__(self, desk: Desk, standby: Standby, room: Room, processes: TrialProcesses) -> None:
        """`standby` is what the processes got ready for."""
        self._desk = desk
        self._standby = standby
        self._room = room
        self._processes = processes
        self._parts = Parts(desk.memory_retries)

    def __call__(
        self, lease: Lease, *, told: Mapping[int, float], idle_since: float | None
    ) -> Slot | None:
        """The trial, handed to the process that is ready; None where it is over or another's. Waits
        out an outage; may raise it when the worker is leaving.

        told: values of trials that are about to end, by id. idle_since: as of Slot.
        """
        account = Account(self._desk, lease)
        config = configured(account, self._standby.config, told)
        if config is None:
            return None
        process = self._processes.start(self._assignment(lease, config))
        return Slot(account, process, idle_since=idle_since)

    def _assignment(self, lease: Lease, config: StudyConfig) -> Assignment:
        return Assignment(
            config=config,
            number=lease.number,
            token=lease.token,
            store=self._standby.store,
            directory=self._desk.artifacts.trial(lease.number),
            device=self._standby.device,
            threads=self._room.threads,
            last_epoch=lease.last_epoch,
            accumulation=self._parts.needed(config, lease.memory_retries),
        )


def configured(
    account: Account, config: StudyConfig, told: Mapping[int, float]
) -> StudyConfig | None:
    """The study's configuration with the trial's parameters; None where there are none."""
    lease, study = account.lease, account.desk.optuna_study
    study.sampler = build_sampler(config.search.sampler, trial=lease.number)
    try:
        parameters = account.desk.patience(lambda: ask(study, lease.trial_id, config, told))
        log.info("trial %d: %s: %s", lease.number, _how(lease), parameters)
        return fill(config, parameters)
    except LeaseLost as lost:
        account.drop(lost)
    except Infeasible as error:
        _end(account, Outcome.INFEASIBLE, str(error))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("trial %d: no parameters", lease.number)
        _end(account, Outcome.FAILED, f"no parameters: {type(error).__name__}: {error}")
    return None


def _how(lease: Lease) -> str:
    if lease.promoted:
        return "promoted"
    return f"adopted from {lease.adopted_from}" if lease.adopted_from else "begun"


def _end(account: Account, outcome: Outcome, reason: str) -> None:
    account.attributes["reason"] = reason
    try:
        account.end(outcome)
    except LeaseLost as lost:
        account.drop(lost)
