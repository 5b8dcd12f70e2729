"""Which trial a claim is given: one whose worker is lost, else one that waits, else a new one."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from study.errors import LeaseLost
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.registry import RegisteredStudy, Registry
from tests.study.conftest import LedgerOf, MakeStudy, age_heartbeats, claimed, restart_clock


def trials(registry: Registry, study: RegisteredStudy) -> list[optuna.trial.FrozenTrial]:
    return registry.optuna_study(study).trials


def test_a_released_trial_is_adopted_with_its_number_history_and_the_next_token(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    lease = claimed(one)
    one.report(lease, epoch=3, intermediate=Intermediate(3, 0.25), metrics={"accuracy": 0.25})
    one.release(lease)
    adopted = claimed(two)
    assert (adopted.trial_id, adopted.number) == (lease.trial_id, lease.number)
    assert adopted.token == lease.token + 1
    assert adopted.adopted_from == "one"
    assert adopted.last_epoch == 3
    assert trials(registry, study)[0].intermediate_values == {3: 0.25}


def test_a_beating_trial_is_not_adopted(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1, lease_seconds=30)
    restart_clock(registry, 600)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    lease = claimed(one)
    age_heartbeats(registry, 29)
    assert two.claim() is NoTrial.WAIT
    age_heartbeats(registry, 29)
    one.heartbeat(lease, 2.5)
    assert two.claim() is NoTrial.WAIT
    assert two.budget().device_spent == 2.5


def test_no_lease_expires_while_the_server_was_down(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    """The test's server is younger than the lease; the heartbeat is from before its start."""
    study = make_study(trials=1, lease_seconds=3600)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    claimed(one)
    age_heartbeats(registry, 100_000)
    assert two.claim() is NoTrial.WAIT


def test_no_lease_expires_for_a_worker_that_was_cut_off_itself(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1, lease_seconds=30)
    restart_clock(registry, 600)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    claimed(one)
    age_heartbeats(registry, 600)
    two.outage_over()
    assert two.claim() is NoTrial.WAIT
    assert isinstance(ledger_of(study, "three").claim(), Lease)


def test_a_worker_known_to_be_dead_loses_its_trials_at_once(
    make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1)
    one, two = ledger_of(study, "one"), ledger_of(study, "two")
    lease = claimed(one)
    assert two.expire("one") == 1
    assert claimed(two).number == lease.number
    with pytest.raises(LeaseLost):
        one.heartbeat(lease, 0.0)


def test_a_claim_whose_answer_was_lost_is_given_again(
    make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "one")
    unheard = claimed(ledger)
    assert claimed(ledger, holding=()).trial_id == unheard.trial_id
    assert claimed(ledger, holding=(unheard.trial_id,)).trial_id != unheard.trial_id


def test_a_trial_that_loses_its_workers_too_often_fails_with_its_reason(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1)
    for number in range(3):
        ledger = ledger_of(study, f"worker-{number}")
        claimed(ledger)
        ledger.expire(f"worker-{number}")
    assert ledger_of(study, "last").claim() is NoTrial.DONE
    trial = trials(registry, study)[0]
    assert trial.state == TrialState.FAIL
    assert "3 attempts in a row" in trial.user_attrs["reason"]
    assert "worker-2" in trial.user_attrs["reason"]


def test_progress_forgives_lost_workers(make_study: MakeStudy, ledger_of: LedgerOf) -> None:
    study = make_study(trials=1)
    for epoch in range(8):
        ledger = ledger_of(study, f"worker-{epoch}")
        ledger.report(
            claimed(ledger), epoch=epoch, intermediate=Intermediate(epoch, 0.1), metrics={}
        )
        ledger.expire(f"worker-{epoch}")
    assert claimed(ledger_of(study, "last")).attempts == 1


def test_preemption_is_no_attempt(make_study: MakeStudy, ledger_of: LedgerOf) -> None:
    study = make_study(trials=1)
    for number in range(8):
        ledger = ledger_of(study, f"worker-{number}")
        ledger.release(claimed(ledger))
    assert claimed(ledger_of(study, "last")).attempts == 0


def test_the_budget_counts_every_trial_begun(make_study: MakeStudy, ledger_of: LedgerOf) -> None:
    study = make_study(trials=3)
    ledger = ledger_of(study, "one")
    held = [claimed(ledger)]
    held.append(claimed(ledger, (held[0].trial_id,)))
    ledger.finish(held.pop(0), Outcome.FAILED)
    held.append(claimed(ledger, (held[0].trial_id,)))
    assert ledger.claim([lease.trial_id for lease in held]) is NoTrial.WAIT
    for lease in held:
        ledger.finish(lease, Outcome.PRUNED, value=0.1)
    assert ledger.claim() is NoTrial.DONE


def test_waiting_trials_come_before_new_ones_and_within_the_budget(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1)
    registry.optuna_study(study).enqueue_trial({"training.learning_rate": 0.01})
    registry.optuna_study(study).enqueue_trial({"training.learning_rate": 0.02})
    ledger = ledger_of(study, "one")
    lease = claimed(ledger)
    assert trials(registry, study)[lease.number].system_attrs["fixed_params"] == {
        "training.learning_rate": 0.01
    }
    ledger.finish(lease, Outcome.COMPLETE, value=0.5)
    assert ledger.claim() is NoTrial.DONE
    assert trials(registry, study)[1].state == TrialState.WAITING


def test_imported_trials_do_not_use_up_the_budget(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=1)
    registry.optuna_study(study).add_trial(optuna.trial.create_trial(value=0.3))
    lease = claimed(ledger_of(study, "one"))
    assert lease.number == 1


def test_spent_time_begins_no_trial_and_is_told_to_running_ones(
    make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study(trials=9, gpu_hours=1.0)
    ledger = ledger_of(study, "one")
    lease = claimed(ledger)
    first = ledger.report(lease, epoch=0, intermediate=Intermediate(0, 0.1), metrics={})
    assert not first.budget.time_spent
    ledger.heartbeat(lease, 3600.0)
    second = ledger.report(lease, epoch=1, intermediate=Intermediate(1, 0.1), metrics={})
    assert second.budget.time_spent
    assert ledger_of(study, "two").claim() is NoTrial.WAIT
    ledger.finish(lease, Outcome.PRUNED, value=0.1)
    assert ledger.claim() is NoTrial.DONE


def test_a_stopped_study_gives_no_trial_until_it_is_resumed(
    registry: Registry, make_study: MakeStudy, ledger_of: LedgerOf
) -> None:
    study = make_study()
    ledger = ledger_of(study, "one")
    registry.stop(study.name)
    assert ledger.claim() is NoTrial.STOPPED
    registry.resume(study.config, workers=1)
    assert isinstance(ledger.claim(), Lease)


def test_out_of_memory_is_remembered(make_study: MakeStudy, ledger_of: LedgerOf) -> None:
    study = make_study(trials=1)
    ledger = ledger_of(study, "one")
    ledger.release(claimed(ledger), out_of_memory=True)
    adopted = claimed(ledger)
    assert (adopted.memory_retries, adopted.attempts) == (1, 0)
