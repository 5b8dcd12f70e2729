"""A study that ends before its budget is spent, because too little is left to gain."""

from __future__ import annotations

from study.config.records import StudyConfig
from study.halving import Halving
from study.lease import Intermediate, NoTrial, Outcome
from study.ledger import Ledger
from study.progress import observe
from study.registry import Registry
from tests.study.conftest import STORE, MakeStudy, claimed, make_config

REASON = "at most 0.001 is left to gain, below 0.002"


def test_what_runs_is_trained_to_its_end_and_nothing_else_begins(
    registry: Registry, make_study: MakeStudy
) -> None:
    study = make_study(trials=5)
    one, two = (Ledger(registry.engine, study.study_id, name) for name in ("one", "two"))
    running = claimed(one)
    two.conclude(REASON)
    two.conclude("another reason")
    assert two.claim() is NoTrial.WAIT
    reported = one.report(running, epoch=0, intermediate=None, metrics={})
    assert not reported.budget.time_spent
    one.finish(running, Outcome.COMPLETE, value=0.5)
    assert one.claim() is NoTrial.DONE
    progress = observe(registry, study)
    assert (progress.done, progress.left, progress.ended) == (True, 0, 1)
    assert progress.budget.concluded == REASON


def test_paused_trials_are_not_promoted_any_more(registry: Registry) -> None:
    pruner = {"name": "asha", "reduction_factor": 2}
    config = make_config(search={"budget": {"trials": 5}, "pruner": pruner})
    study = registry.create(config, store=STORE, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "one", Halving.of(config.search))
    for value in (0.8, 0.5):
        lease = claimed(ledger)
        reached = Intermediate(0, value, 0)
        ledger.report(lease, epoch=0, intermediate=reached, metrics={})
        ledger.rest(lease, value=value, weights=None)
    ledger.conclude(REASON)
    assert ledger.claim() is NoTrial.DONE
    assert observe(registry, study).outcomes == {"pruned": 2}


def test_it_goes_on_when_more_is_asked_for_and_not_before(registry: Registry) -> None:
    def config(**budget: float) -> StudyConfig:
        return make_config(search={"budget": {"trials": 5, "improvement": 0.002, **budget}})

    study = registry.create(config(), store=STORE, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "one")
    ledger.conclude(REASON)
    registry.resume(config(), workers=2)
    assert ledger.claim() is NoTrial.DONE
    registry.resume(config(trials=6), workers=2)
    assert claimed(ledger).number == 0
