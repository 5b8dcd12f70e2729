"""From a claimed trial to the configuration it trains with: what it lacks is sampled and stored.

A trial that cannot be given one is ended at once. Knows nothing of how it is trained.
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
from worker.slot import Desk

log = logging.getLogger(__name__)


def configured(
    desk: Desk, lease: Lease, config: StudyConfig, told: Mapping[int, float]
) -> StudyConfig | None:
    """The study's configuration with the trial's parameters; None where the trial is over or
    another's. Waits out an outage; may raise it when the worker is leaving.

    told: values of trials that are about to end, by id.
    """
    study = desk.optuna_study
    study.sampler = build_sampler(config.search.sampler, trial=lease.number)
    try:
        parameters = desk.patience(lambda: ask(study, lease.trial_id, config, told))
        log.info("trial %d: %s: %s", lease.number, _how(lease), parameters)
        return fill(config, parameters)
    except LeaseLost as lost:
        _drop(desk, lease, lost)
    except Infeasible as error:
        _end(desk, lease, Outcome.INFEASIBLE, str(error))
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("trial %d: no parameters", lease.number)
        _end(desk, lease, Outcome.FAILED, f"no parameters: {type(error).__name__}: {error}")
    return None


def _how(lease: Lease) -> str:
    if lease.promoted:
        return "promoted"
    return f"adopted from {lease.adopted_from}" if lease.adopted_from else "begun"


def _end(desk: Desk, lease: Lease, outcome: Outcome, reason: str) -> None:
    desk.heart.drop(lease)
    try:
        desk.patience(lambda: desk.ledger.finish(lease, outcome, attributes={"reason": reason}))
    except LeaseLost as lost:
        _drop(desk, lease, lost)


def _drop(desk: Desk, lease: Lease, lost: LeaseLost) -> None:
    log.warning("trial %d: dropped: %s", lease.number, lost)
    desk.heart.drop(lease)
