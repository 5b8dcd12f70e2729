from __future__ import annotations

import optuna
import pytest
from optuna.trial import FrozenTrial

from study.config.search import BudgetConfig, SearchConfig
from study.lease import Lease, Outcome
from study.ledger import Ledger
from study.pareto import chosen, front
from study.progress import best_trial, ranking
from study.registry import Registry
from study.sampling import ask
from tests.study.conftest import STORE, make_config

SEARCH = SearchConfig.model_validate(
    {
        "second": "parameters",
        "tolerance": 0.01,
        "pruner": {"name": "none"},
        "budget": BudgetConfig(trials=9),
    }
)


def trials(*values: tuple[float, float]) -> list[FrozenTrial]:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for pair in values:
        study.add_trial(optuna.trial.create_trial(values=list(pair)))
    return study.trials


def numbers(found: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in found]


def test_on_the_front_whoever_is_better_in_one_is_worse_in_the_other() -> None:
    known = trials((0.90, 50), (0.95, 90), (0.89, 60), (0.80, 10), (0.95, 95), (0.80, 10))
    assert numbers(front(known, SEARCH)) == [1, 0, 3]


def test_the_front_is_that_of_optuna() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for number in range(40):
        values = [(number * 7 % 40) / 40, float(number * 11 % 40)]
        study.add_trial(optuna.trial.create_trial(values=values))
    assert set(numbers(front(study.trials, SEARCH))) == set(numbers(study.best_trials))


@pytest.mark.parametrize(
    ("tolerance", "number"), [(0.0, 1), (0.01, 2), (0.049, 2), (0.05, 0), (1.0, 3)]
)
def test_promotion_takes_the_smallest_within_the_tolerance(tolerance: float, number: int) -> None:
    known = trials((0.90, 50), (0.95, 90), (0.94, 80), (0.10, 10))
    search = SEARCH.model_copy(update={"tolerance": tolerance})
    assert chosen(known, search).number == number


def test_two_objectives_are_stored_ranked_and_learned_from(registry: Registry) -> None:
    search = SEARCH.model_dump(mode="json") | {"sampler": {"name": "tpe", "startup_trials": 2}}
    study = registry.create(make_config(search=search), store=STORE, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "a")
    ends = [
        (Outcome.COMPLETE, 0.90, 50.0),
        (Outcome.COMPLETE, 0.905, 70.0),
        (Outcome.PRUNED, 0.5, 20.0),
        (Outcome.DIVERGED, None, None),
        (Outcome.COMPLETE, 0.7, 10.0),
    ]
    for outcome, value, second in ends:
        lease = ledger.claim()
        assert isinstance(lease, Lease)
        ask(registry.optuna_study(study, trial=lease.number), lease.trial_id, study.config)
        ledger.report(lease, epoch=0, intermediate=None, metrics={"accuracy": 0.1})
        ledger.finish(lease, outcome, value=value, second=second)
    optuna_study = registry.optuna_study(study)
    assert [trial.values for trial in optuna_study.trials] == [
        *([0.9, 50.0], [0.905, 70.0], [0.5, 20.0], None, [0.7, 10.0])
    ]
    assert set(numbers(optuna_study.best_trials)) == {0, 1, 4}
    assert numbers(ranking(registry, study)) == [0, 1, 4]
    best = best_trial(registry, study)
    assert best is not None
    assert best.number == 0
