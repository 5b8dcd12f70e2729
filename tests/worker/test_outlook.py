"""What a search could still gain is bounded beside it, and one that could gain too little ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from multiprocessing.connection import wait

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine import URL

from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry
from tests.eventually import DEADLINE
from tests.study.conftest import STORE, make_config
from worker.outlook import MIN_TRIALS, Outlook, regret_bound
from worker.patience import Patience

RATES = FloatDistribution(1e-4, 1e-1, log=True)


def trials(count: int, spread: float) -> list[FrozenTrial]:
    """Values between 0.5 and 0.5 + spread, best in the middle of the rates."""
    found = []
    for number in range(count):
        place = number / (count - 1)
        value = 0.5 + spread * (1 - abs(2 * place - 1))
        rate = 1e-4 * 1e3**place
        parameters = {"training.learning_rate": rate}
        distributions = {"training.learning_rate": RATES}
        found.append(create_trial(params=parameters, distributions=distributions, value=value))
    return found


def test_the_bound_is_in_the_metrics_unit_and_the_same_for_the_same_trials() -> None:
    maximize = optuna.study.StudyDirection.MAXIMIZE
    wide, narrow = (regret_bound(trials(MIN_TRIALS, spread), maximize) for spread in (0.4, 0.004))
    assert 0 <= narrow < wide < 0.4
    assert narrow == pytest.approx(wide / 100, rel=0.1)
    assert regret_bound(trials(MIN_TRIALS, 0.4), maximize) == wide


@pytest.fixture
def registry(postgres_url: URL) -> Iterator[Registry]:
    registry = Registry(postgres_url)
    yield registry
    registry.close()


def concluded(registry: Registry, complete: int, least: float | None) -> str | None:
    """Of a study with so many complete trials, after a worker has considered it."""
    study: RegisteredStudy = registry.create(make_config(), store=STORE, workers=1)
    optuna_study = registry.optuna_study(study)
    optuna_study.add_trials(trials(complete, 0.4))
    ledger = Ledger(registry.engine, study.study_id, "one")
    patience = Patience(threading.Event(), lambda: None, lambda: None)
    outlook = Outlook(ledger, optuna_study, patience, least)
    outlook.consider()
    outlook.consider()
    if outlook.pipes:
        outlook.attend(wait(outlook.pipes, DEADLINE))
    assert not outlook.pipes, "it is done, or was never begun"
    outlook.close()
    assert all(trial.state is TrialState.COMPLETE for trial in optuna_study.trials)
    return ledger.budget().concluded


def test_a_search_with_too_little_to_gain_is_concluded_with_the_reason(registry: Registry) -> None:
    reason = concluded(registry, MIN_TRIALS, 0.5)
    assert reason is not None
    assert reason.startswith("at most 0.")
    assert reason.endswith(" is left to gain, below 0.5")


@pytest.mark.parametrize(("complete", "least"), [(MIN_TRIALS - 1, 0.5), (MIN_TRIALS, None)])
def test_a_search_of_which_too_little_is_known_is_not_bounded(
    registry: Registry, complete: int, least: float | None
) -> None:
    assert concluded(registry, complete, least) is None
