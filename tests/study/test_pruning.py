"""Hopeless trials are ended by the rule the study names."""

from __future__ import annotations

import pytest

from study.lease import Intermediate, Outcome
from study.ledger import Ledger
from study.registry import Registry
from study.sampling import should_prune
from tests.study.conftest import STORE, make_config
from tests.study.test_sampling import SPACE, begin, create


def test_the_median_pruner_ends_what_is_worse_than_the_median(registry: Registry) -> None:
    study = create(registry, pruner={"startup_trials": 2, "warmup_epochs": 1})
    ledger = Ledger(registry.engine, study.study_id, "a")
    for value in (0.8, 0.6):
        lease = begin(registry, study)
        for epoch in range(3):
            ledger.report(lease, epoch=epoch, intermediate=Intermediate(epoch, value), metrics={})
        ledger.finish(lease, Outcome.COMPLETE, value=value)
    optuna_study = registry.optuna_study(study)
    verdicts = []
    lease = begin(registry, study)
    for epoch, value in enumerate([0.1, 0.2, 0.3]):
        ledger.report(lease, epoch=epoch, intermediate=Intermediate(epoch, value), metrics={})
        verdicts.append(should_prune(optuna_study, lease.trial_id))
    assert verdicts == [False, True, True]
    good = begin(registry, study)
    for epoch in range(3):
        ledger.report(good, epoch=epoch, intermediate=Intermediate(epoch, 0.9), metrics={})
        assert not should_prune(optuna_study, good.trial_id)


def test_the_wilcoxon_pruner_compares_fold_by_fold_with_the_best_trial(
    registry: Registry,
) -> None:
    config = make_config(
        space=SPACE,
        data={"source": "/pictures", "image_size": 32, "split": {"folds": 5}},
        search={"budget": {"trials": 30}, "pruner": {"name": "wilcoxon"}},
    )
    study = registry.create(config, store=STORE, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "a")

    def verdicts(*folds: float) -> list[bool]:
        """Of a trial with two epochs in each fold."""
        lease = begin(registry, study)
        found = []
        for fold, value in enumerate(folds):
            ledger.report(lease, epoch=2 * fold, intermediate=None, metrics={})
            last = Intermediate(fold, value)
            ledger.report(lease, epoch=2 * fold + 1, intermediate=last, metrics={})
            found.append(should_prune(registry.optuna_study(study), lease.trial_id))
        ledger.finish(lease, Outcome.COMPLETE, value=sum(folds) / len(folds))
        return found

    assert verdicts(0.70, 0.75, 0.72, 0.71, 0.74) == [False] * 5
    assert verdicts(0.60, 0.64, 0.63, 0.65, 0.66) == [False, False, False, True, True]
    assert verdicts(0.60, 0.80, 0.62, 0.81, 0.79) == [False] * 5
    assert [len(trial.intermediate_values) for trial in registry.optuna_study(study).trials] == [
        *(5, 5, 5)
    ]


def test_by_default_a_median_prunes_nobody_in_the_first_fifth_of_its_epochs(
    registry: Registry,
) -> None:
    study = create(registry, pruner={"startup_trials": 1})  # trials of 10 epochs
    ledger = Ledger(registry.engine, study.study_id, "a")
    verdicts = []
    for value in (0.8, 0.1):
        lease = begin(registry, study)
        for epoch in range(4):
            reached = Intermediate(epoch, value)
            ledger.report(lease, epoch=epoch, intermediate=reached, metrics={})
            verdicts.append(should_prune(registry.optuna_study(study), lease.trial_id))
        ledger.finish(lease, Outcome.COMPLETE, value=value)
    assert verdicts == [False] * 6 + [True] * 2


@pytest.mark.parametrize("name", ["successive_halving", "hyperband"])
def test_rungs_are_after_as_many_epochs_as_the_configuration_says(
    registry: Registry, name: str
) -> None:
    pruner = {"name": name, "min_epochs": 2, "reduction_factor": 2}
    study = create(registry, pruner=pruner)
    lease = begin(registry, study)
    ledger = Ledger(registry.engine, study.study_id, "a")
    rungs: list[int] = []
    for epoch in range(10):
        reached = Intermediate(epoch, 0.5)
        ledger.report(lease, epoch=epoch, intermediate=reached, metrics={})
        should_prune(registry.optuna_study(study), lease.trial_id)
        attributes = registry.optuna_study(study).trials[0].system_attrs
        if sum(key.startswith("completed_rung") for key in attributes) > len(rungs):
            rungs.append(epoch + 1)
    expected = [2, 4, 8]
    if name == "hyperband":  # each of its brackets begins at another rung
        expected = expected[expected.index(rungs[0]) :]
    assert rungs == expected


def test_hyperband_ends_the_worse_trials_of_a_bracket(registry: Registry) -> None:
    pruner = {"name": "hyperband", "min_epochs": 1, "reduction_factor": 3}
    study = create(registry, pruner=pruner)
    ledger = Ledger(registry.engine, study.study_id, "a")
    pruned = []
    for number in range(12):
        lease = begin(registry, study)
        ledger.report(lease, epoch=0, intermediate=Intermediate(0, 0.9 - 0.05 * number), metrics={})
        pruned.append(should_prune(registry.optuna_study(study), lease.trial_id))
        ledger.finish(lease, Outcome.PRUNED if pruned[-1] else Outcome.COMPLETE, value=0.5)
    assert not pruned[0]
    assert 3 <= sum(pruned) < 12, "the other brackets let their trials train longer"
