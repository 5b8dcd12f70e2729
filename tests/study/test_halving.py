"""Trials that are paused at rungs: who waits, who goes on, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from optuna.trial import FrozenTrial, TrialState

from study.errors import LeaseLost
from study.halving import PAUSED, Halving
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.progress import observe
from study.registry import RegisteredStudy, Registry
from study.sampling import ask
from tests.study.conftest import STORE, claimed, make_config

Halved = Callable[..., tuple[RegisteredStudy, Callable[[str], Ledger]]]


@pytest.fixture
def halved(registry: Registry) -> Halved:
    """Makes a study that halves at epochs 1 and 2, and the ledger as a worker sees it."""

    def make(trials: int = 4, **search: object) -> tuple[RegisteredStudy, Callable[[str], Ledger]]:
        pruner = {"name": "asha", "reduction_factor": 2}
        content = {"budget": {"trials": trials}, "pruner": pruner, **search}
        study = registry.create(make_config(search=content), store=STORE, workers=1)
        halving = Halving.of(study.config.search)
        return study, lambda name: Ledger(registry.engine, study.study_id, name, halving)

    return make


def reach(ledger: Ledger, lease: Lease, rung: int, value: float) -> bool:
    """Reports the epoch of the rung and lets the trial go where it is paused."""
    epoch = 2**rung - 1
    reached = Intermediate(epoch, value, rung)
    reported = ledger.report(lease, epoch=epoch, intermediate=reached, metrics={"accuracy": value})
    if reported.paused:
        ledger.rest(lease, value=value + 0.01, weights=f"best-{value}.pt")
    return not reported.paused


def trial(registry: Registry, study: RegisteredStudy, number: int) -> FrozenTrial:
    return registry.optuna_study(study).trials[number]


def test_a_paused_trial_is_promoted_under_its_number_from_its_last_epoch(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved()
    one, two = ledger_of("one"), ledger_of("two")
    first = claimed(one)
    assert not reach(one, first, 0, 0.8), "half of one trial is none"
    second = claimed(two)
    assert second.number == 1
    assert not reach(two, second, 0, 0.5)
    promoted = claimed(two)
    assert (promoted.number, promoted.last_epoch, promoted.promoted) == (0, 0, True)
    assert promoted.token == first.token + 1
    assert observe(registry, study).budget.paused == 1


def test_a_trial_among_the_best_of_its_rung_goes_on_without_a_pause(halved: Halved) -> None:
    _, ledger_of = halved()
    ledger = ledger_of("one")
    assert not reach(ledger, claimed(ledger), 0, 0.5)
    assert reach(ledger, claimed(ledger), 0, 0.8)


def test_the_highest_rung_is_looked_at_first(halved: Halved) -> None:
    _, ledger_of = halved(trials=6)
    a, b, c, *rest = (claimed(ledger_of(f"worker-{number}")) for number in range(6))
    ledger = ledger_of("one")
    assert not reach(ledger, a, 0, 0.4)
    for lease, value, later in ((b, 0.5, 0.6), (c, 0.6, 0.3)):
        assert reach(ledger, lease, 0, value)
        assert not reach(ledger, lease, 1, later)
    for lease in rest:
        assert not reach(ledger, lease, 0, 0.1)
    promoted = [claimed(ledger_of(name)).number for name in ("one", "two")]
    assert promoted == [b.number, a.number]


def test_a_paused_trial_has_its_state_and_its_place_told(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved()
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.8)
    found = trial(registry, study, 0)
    assert (found.state, found.user_attrs[PAUSED]) == (TrialState.RUNNING, 1)
    progress = observe(registry, study)
    assert (progress.budget.open, progress.budget.paused, progress.running) == (0, 1, ())
    reach(ledger, claimed(ledger), 0, 0.5)
    assert claimed(ledger).number == 0
    assert PAUSED not in trial(registry, study, 0).user_attrs


def test_a_study_ends_with_its_paused_trials_pruned_at_their_best_value(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved(trials=2)
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.5)
    best = claimed(ledger)
    assert reach(ledger, best, 0, 0.8)
    assert ledger_of("two").claim() is NoTrial.WAIT
    ledger.finish(best, Outcome.COMPLETE, value=0.9)
    assert not observe(registry, study).done
    assert ledger.claim() is NoTrial.DONE
    ended = trial(registry, study, 0)
    assert (ended.state, ended.value) == (TrialState.PRUNED, 0.51)
    assert ended.user_attrs["reason"] == "paused after 1 epochs, not promoted"
    assert PAUSED not in ended.user_attrs
    assert ledger.never_promoted() == {0: "best-0.5.pt"}
    progress = observe(registry, study)
    assert (progress.done, progress.outcomes) == (True, {"complete": 1, "pruned": 1})


def test_too_few_trials_for_the_rungs_still_end_with_a_complete_one(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved(trials=3, pruner={"name": "asha", "reduction_factor": 4})
    ledger = ledger_of("one")
    for value in (0.3, 0.7, 0.5):
        reach(ledger, claimed(ledger), 0, value)
    for rung in (1, 2):
        leader = claimed(ledger)
        assert (leader.number, leader.promoted) == (1, True)
        reach(ledger, leader, rung, 0.8)
    ledger.finish(claimed(ledger), Outcome.COMPLETE, value=0.9)
    assert ledger.claim() is NoTrial.DONE
    assert observe(registry, study).outcomes == {"complete": 1, "pruned": 2}


def test_spent_time_promotes_nobody(registry: Registry, halved: Halved) -> None:
    study, ledger_of = halved(trials=9, budget={"trials": 9, "gpu_hours": 1.0})
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.5)
    running = claimed(ledger)
    ledger.heartbeat(running, 3600.0)
    assert reach(ledger, running, 0, 0.8), "it is pruned by its worker"
    ledger.finish(running, Outcome.PRUNED, value=0.8)
    assert ledger.claim() is NoTrial.DONE
    assert observe(registry, study).outcomes == {"pruned": 2}


def test_a_stopped_study_keeps_its_paused_trials_for_later(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved(trials=2)
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.8)
    reach(ledger, claimed(ledger), 0, 0.5)
    registry.stop(study.name)
    assert ledger.claim() is NoTrial.STOPPED
    registry.resume(study.config, workers=1)
    assert claimed(ledger).number == 0


def test_a_holder_that_dies_while_it_lets_a_paused_trial_go_leaves_it_paused(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved(trials=2)
    one, two = ledger_of("one"), ledger_of("two")
    lease = claimed(one)
    reached = Intermediate(0, 0.4, 0)
    assert one.report(lease, epoch=0, intermediate=reached, metrics={}).paused
    two.expire("one")
    other = claimed(two)
    assert other.number == 1, "nothing is lost that would have to be adopted"
    assert reach(two, other, 0, 0.9)
    two.finish(other, Outcome.COMPLETE, value=0.9)
    assert two.claim() is NoTrial.DONE
    assert trial(registry, study, 0).value == 0.4
    one.rest(lease, value=0.5, weights="late.pt")
    assert two.never_promoted() == {0: None}


def test_a_trial_that_is_promoted_before_it_was_let_go_is_no_longer_its_holders(
    halved: Halved,
) -> None:
    _, ledger_of = halved(trials=2)
    one, two = ledger_of("one"), ledger_of("two")
    lease = claimed(one)
    assert one.report(lease, epoch=0, intermediate=Intermediate(0, 0.8, 0), metrics={}).paused
    reach(two, claimed(two), 0, 0.4)
    assert claimed(two).number == 0
    with pytest.raises(LeaseLost):
        one.rest(lease, value=0.8, weights="late.pt")


def test_a_repeated_report_gets_the_same_answer(halved: Halved) -> None:
    _, ledger_of = halved()
    ledger = ledger_of("one")
    for value in (0.5, 0.8):
        lease = claimed(ledger, (10**6,))
        reached = Intermediate(0, value, 0)
        answers = [
            ledger.report(lease, epoch=0, intermediate=reached, metrics={}).paused for _ in range(2)
        ]
        assert answers == [value == 0.5] * 2


def test_what_is_no_number_is_never_promoted(halved: Halved) -> None:
    _, ledger_of = halved(trials=2)
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, math.nan)
    assert reach(ledger, claimed(ledger), 0, 0.1)


def test_lower_is_better_where_the_study_minimizes(halved: Halved) -> None:
    _, ledger_of = halved(trials=3, metric="loss", direction="minimize")
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.8)
    assert reach(ledger, claimed(ledger), 0, 0.5)


def test_a_paused_trial_that_a_person_ended_is_not_promoted(
    registry: Registry, halved: Halved
) -> None:
    study, ledger_of = halved(trials=3)
    ledger = ledger_of("one")
    reach(ledger, claimed(ledger), 0, 0.8)
    registry.optuna_study(study).tell(0, state=TrialState.FAIL)
    reach(ledger, claimed(ledger), 0, 0.5)
    assert claimed(ledger).number == 2
    assert observe(registry, study).outcomes == {"failed": 1}


def test_a_sampler_learns_from_paused_trials_what_it_learns_from_pruned_ones(
    registry: Registry,
) -> None:
    """Of RUNNING ones, as which Optuna knows them, it would only learn where not to look."""

    def proposed(name: str, pruner: dict[str, object]) -> list[object]:
        sampler = {"name": "tpe", "startup_trials": 3}
        search = {"budget": {"trials": 9}, "pruner": pruner, "sampler": sampler}
        study = registry.create(make_config(name, search=search), store=STORE, workers=1)
        halving = Halving.of(study.config.search)
        ledger = Ledger(registry.engine, study.study_id, "one", halving)
        found = []
        for _ in range(6):
            lease = claimed(ledger)
            optuna_study = registry.optuna_study(study, trial=lease.number)
            parameters = ask(optuna_study, lease.trial_id, study.config)
            rate = parameters["training.learning_rate"]
            found.append(rate)
            assert isinstance(rate, float)
            if reach(ledger, lease, 0, -rate):
                ledger.finish(lease, Outcome.PRUNED, value=-rate)
        return found

    paused = proposed("pauses", {"name": "asha", "reduction_factor": 9})
    assert paused == proposed("prunes", {"name": "none"})
