from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.config.data import SplitConfig
from tests.worker.training.recorded import NewTrial, Trial

FOLDS = 3


def in_folds(trial: Trial) -> Trial:
    data = trial.config.data.model_copy(update={"split": SplitConfig(folds=FOLDS)})
    trial.config = trial.config.model_copy(update={"data": data})
    return trial


def test_a_trial_trains_every_fold_and_is_worth_their_mean(new_trial: NewTrial) -> None:
    trial = in_folds(new_trial(epochs=3))
    outcome = trial.run()
    assert outcome.ending == "complete"
    assert trial.opened == [0, 1, 2]
    assert trial.reported == list(range(9))
    bests = [max(trial.results[3 * fold + n].value for n in range(3)) for fold in range(FOLDS)]
    assert [trial.compared[fold] for fold in range(FOLDS)] == bests
    assert outcome.value == pytest.approx(sum(bests) / FOLDS)


def test_what_is_kept_is_the_fold_in_the_middle(new_trial: NewTrial) -> None:
    trial = in_folds(new_trial(epochs=2))
    trial.seeds = (3, 4, 6)
    outcome = trial.run()
    assert outcome.best is not None
    assert len(set(trial.compared.values())) == FOLDS
    assert outcome.best.value == sorted(trial.compared.values())[1]
    assert trial.weights(outcome.best)


def test_every_fold_begins_anew(new_trial: NewTrial) -> None:
    """The tiny problem's folds have the same pictures, so nothing may differ between them."""
    trial = in_folds(new_trial(epochs=2))
    trial.run()
    first, second, third = (trial.numbers()[2 * fold : 2 * fold + 2] for fold in range(FOLDS))
    assert first == second == third


def test_early_stopping_ends_a_fold_and_not_the_trial(new_trial: NewTrial) -> None:
    still = {"learning_rate": 1e-9, "schedule": "constant"}
    trial = in_folds(new_trial(epochs=9, early_stopping=1, **still))
    outcome = trial.run()
    assert outcome.ending == "complete"
    assert len(trial.compared) == FOLDS
    assert len(trial.reported) < 9 * FOLDS


def test_a_trial_pruned_after_a_fold_is_worth_the_mean_of_those_before(new_trial: NewTrial) -> None:
    trial = in_folds(new_trial(epochs=2))
    outcome = trial.run(prune_after=3)
    assert outcome.ending == "pruned"
    assert trial.opened == [0, 1]
    assert outcome.value == pytest.approx((trial.compared[0] + trial.compared[1]) / 2)


@settings(max_examples=5)
@given(stops=st.lists(st.integers(1, 110), min_size=1, max_size=3))
def test_a_killed_trial_goes_on_within_its_fold(new_trial: NewTrial, stops: list[int]) -> None:
    stages = ({"epochs": 1}, {"epochs": 1, "learning_rate": 0.001, "resume": "best"})
    undisturbed, disturbed = (in_folds(new_trial(stages=stages)) for _ in range(2))
    expected = undisturbed.run()
    outcome = disturbed.run_in_legs(stops)
    assert disturbed.numbers() == undisturbed.numbers()
    assert disturbed.compared == undisturbed.compared
    assert disturbed.steps == undisturbed.steps == 6 * 2 * FOLDS
    assert outcome.value == expected.value
