"""What the ledger promises of one trial: leased, fenced, reported, ended once."""

from __future__ import annotations

import math
import time

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy.exc import DBAPIError

from study.database import SLEEP_TIMEOUT, is_outage
from study.errors import LeaseLost, StudyNotFound
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.progress import observe
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS
from tests.study.conftest import LedgerOf, MakeStudy, age_heartbeats, claimed, restart_clock


def trials(registry: Registry, study: RegisteredStudy) -> list[optuna.trial.FrozenTrial]:
    return registry.optuna_study(study).trials


def test_new_trials_are_numbered_from_zero_and_running(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "a")
    lease = claimed(ledger)
    assert [lease.number, claimed(ledger, (lease.trial_id,)).number] == [0, 1]
    first = trials(registry, study)[0]
    assert first.state == TrialState.RUNNING
    assert first.datetime_start is not None
    assert first.user_attrs["worker"] == "a"


def test_reports_and_end_are_read_by_optuna(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "a")
    lease = claimed(ledger)
    ledger.report(
        lease,
        epoch=0,
        intermediate=Intermediate(0, 0.5),
        metrics={"accuracy": 0.5, "loss": math.nan},
    )
    ledger.report(lease, epoch=1, intermediate=Intermediate(1, math.nan), metrics={})
    ledger.report(lease, epoch=2, intermediate=Intermediate(2, math.inf), metrics={})
    ledger.finish(lease, Outcome.COMPLETE, value=0.75, attributes={"best_epoch": 0})
    trial = trials(registry, study)[0]
    assert trial.state == TrialState.COMPLETE
    assert trial.value == 0.75
    assert trial.intermediate_values[0] == 0.5
    assert math.isnan(trial.intermediate_values[1])
    assert trial.intermediate_values[2] == math.inf
    assert trial.user_attrs["best_epoch"] == 0
    assert trial.duration is not None
    assert 0 <= trial.duration.total_seconds() < 60


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.PRUNED, TrialState.PRUNED),
        (Outcome.DIVERGED, TrialState.PRUNED),
        (Outcome.INFEASIBLE, TrialState.PRUNED),
        (Outcome.FAILED, TrialState.FAIL),
    ],
)
def test_every_outcome_has_its_state(
    registry: Registry,
    make_study: MakeStudy,
    ledger_of: LedgerOf,
    outcome: Outcome,
    state: TrialState,
) -> None:
    study = make_study()
    ledger = ledger_of(study, "a")
    ledger.finish(claimed(ledger), outcome, attributes={"reason": "so"})
    trial = trials(registry, study)[0]
    assert trial.state == state
    assert trial.user_attrs == {"worker": "a", "outcome": outcome.value, "reason": "so"}


def test_a_worker_without_its_lease_cannot_write(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(lease_seconds=30)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    old = claimed(one)
    age_heartbeats(registry, 31)
    restart_clock(registry, 60)
    new = claimed(two)
    assert new.number == old.number
    with pytest.raises(LeaseLost):
        one.heartbeat(old, 1.0)
    with pytest.raises(LeaseLost):
        one.report(old, epoch=0, intermediate=Intermediate(0, 0.9), metrics={})
    with pytest.raises(LeaseLost):
        one.finish(old, Outcome.COMPLETE, value=0.9)
    with pytest.raises(LeaseLost):
        one.release(old)
    assert trials(registry, study)[0].intermediate_values == {}
    two.finish(new, Outcome.COMPLETE, value=0.1)
    assert trials(registry, study)[0].value == 0.1


@pytest.mark.parametrize("locked", ["lock_study", "hold"])
def test_a_worker_that_sleeps_within_a_transaction_blocks_nobody(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf, locked: str
) -> None:
    """A stopped process keeps its row locks until the server ends its session."""
    study = make_study(trials=1)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    lease = claimed(one)
    one.expire("one")
    key = {"study_id": study.study_id, "trial_id": lease.trial_id, "token": lease.token}
    needed = STATEMENTS[locked].compile().params
    sleeper = registry.engine.connect()
    sleeper.execute(STATEMENTS[locked], {name: key[name] for name in needed})
    slept_until = time.monotonic() + 3 * SLEEP_TIMEOUT / 1000
    while not isinstance(adopted := two.claim(), Lease):
        assert time.monotonic() < slept_until, "the sleeper's lock is still held"
    assert adopted.number == lease.number
    with pytest.raises(DBAPIError) as woken:
        sleeper.execute(STATEMENTS[locked], {name: key[name] for name in needed})
    assert is_outage(woken.value), "it tries again, and learns that its lease is over"
    sleeper.invalidate()
    sleeper.close()


def test_repeated_endings_change_nothing(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "one")
    lease = claimed(ledger)
    ledger.finish(lease, Outcome.COMPLETE, value=0.5)
    ledger.finish(lease, Outcome.FAILED)
    assert trials(registry, study)[0].state == TrialState.COMPLETE
    other = claimed(ledger)
    ledger.release(other, lost=True)
    ledger.release(other, lost=True)
    assert claimed(ledger).attempts == 1


def test_a_deleted_study_says_so(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "one")
    lease = claimed(ledger)
    optuna.delete_study(study_name=study.name, storage=registry.storage)
    with pytest.raises(StudyNotFound):
        ledger.claim()
    with pytest.raises(LeaseLost):
        ledger.heartbeat(lease, 1.0)


def test_a_trial_that_a_person_ended_is_no_longer_open(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=2)
    ledger = ledger_of(study, "a")
    first, second = claimed(ledger), claimed(ledger, (1,))
    registry.optuna_study(study).tell(first.number, state=TrialState.FAIL)
    registry.optuna_study(study).tell(second.number, 0.7)
    assert ledger.budget().open == 0
    assert ledger.claim() is NoTrial.DONE
    assert observe(registry, study).outcomes == {"failed": 1, "complete": 1}
    with pytest.raises(LeaseLost):
        ledger.report(first, epoch=0, intermediate=Intermediate(0, 0.5), metrics={})
