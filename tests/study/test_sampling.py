"""Parameters are sampled once per trial and read again by whoever adopts it."""

from __future__ import annotations

from typing import Any, get_args

import optuna
import pytest
from sqlalchemy import event

from study.config.search import SamplerConfig
from study.errors import LeaseLost
from study.lease import Intermediate, Lease, Outcome
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry
from study.sampling import ask, build_sampler, should_prune
from tests.study.conftest import STORE, make_config

SPACE = {
    "model.n_layers": {"type": "int", "low": 1, "high": 3},
    "model.n_filters.1": {
        "type": "categorical",
        "choices": [8, 16],
        "when": "model.n_layers >= 2",
    },
    "training.learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
}


def begin(registry: Registry, study: RegisteredStudy, worker: str = "a") -> Lease:
    lease = Ledger(registry.engine, study.study_id, worker).claim([10**6])
    assert isinstance(lease, Lease)
    return lease


def create(registry: Registry, **search: Any) -> RegisteredStudy:
    config = make_config(space=SPACE, search={"budget": {"trials": 30}, **search})
    return registry.create(config, store=STORE, workers=1)


@pytest.mark.parametrize("name", get_args(SamplerConfig.model_fields["name"].annotation))
def test_an_adopted_trial_keeps_its_parameters(registry: Registry, name: str) -> None:
    study = create(registry, sampler={"name": name})
    lease = begin(registry, study)
    first = ask(registry.optuna_study(study, trial=lease.number), lease.trial_id, study.config)
    Ledger(registry.engine, study.study_id, "a").release(lease)
    adopted = begin(registry, study, "b")
    again = ask(registry.optuna_study(study, trial=99), adopted.trial_id, study.config)
    assert again == first
    assert ("model.n_filters.1" in first) == (first["model.n_layers"] >= 2)  # type: ignore[operator]


def test_half_sampled_parameters_are_completed(registry: Registry) -> None:
    study = create(registry)
    lease = begin(registry, study)
    optuna.trial.Trial(registry.optuna_study(study), lease.trial_id).suggest_int(
        "model.n_layers", 1, 3
    )
    half = registry.optuna_study(study).trials[0].params
    whole = ask(registry.optuna_study(study), lease.trial_id, study.config)
    assert set(whole) >= {"model.n_layers", "training.learning_rate"}
    assert whole["model.n_layers"] == half["model.n_layers"]


def test_proposals_depend_on_seed_and_trial_not_on_the_worker(registry: Registry) -> None:
    config = create(registry).config.search.sampler
    study = optuna.create_study()

    def propose(trial: int, seed: int) -> float:
        sampler = build_sampler(config.model_copy(update={"seed": seed}), trial=trial)
        study.sampler = sampler
        return study.ask().suggest_float("x", 0, 1)

    assert propose(3, 0) == propose(3, 0)
    assert len({propose(3, 0), propose(4, 0), propose(3, 1)}) == 3


def test_warm_start_points_are_tried_first_and_completed(registry: Registry) -> None:
    study = create(registry, warm_start=[{"training.learning_rate": 0.05}])
    lease = begin(registry, study)
    parameters = ask(registry.optuna_study(study), lease.trial_id, study.config)
    assert parameters["training.learning_rate"] == 0.05
    assert "model.n_layers" in parameters


def test_nsga2_crosses_the_trials_on_the_front_whichever_workers_ask(registry: Registry) -> None:
    names = ("training.learning_rate", "training.weight_decay", "model.dropout")
    config = make_config(
        space={name: {"type": "float", "low": 0.01, "high": 0.1} for name in names},
        search={
            "budget": {"trials": 12},
            "second": "parameters",
            "sampler": {"name": "nsga2", "population": 4},
            "pruner": {"name": "none"},
        },
    )
    study = registry.create(config, store=STORE, workers=2)
    proposed: list[tuple[object, ...]] = []
    for number in range(12):
        worker = "ab"[number % 2]
        lease = begin(registry, study, worker)
        parameters = ask(registry.optuna_study(study, trial=number), lease.trial_id, config)
        proposed.append(tuple(parameters[name] for name in names))
        Ledger(registry.engine, study.study_id, worker).finish(
            lease, Outcome.COMPLETE, value=1 - number % 4 / 10, second=float(number % 4)
        )
    first = {value for point in proposed[:4] for value in point}
    inherited = [value in first for point in proposed[4:8] for value in point]
    assert sum(inherited) >= len(inherited) / 2  # the others are mutations: one in three


def test_the_sampler_learns_from_a_trial_that_is_about_to_end_as_if_it_had(
    registry: Registry,
) -> None:
    def proposed(name: str, *, ended: bool, told: bool) -> dict[str, Any]:
        """The 13th trial, where the 12th is the best by far and has ended, or is about to."""
        config = make_config(name=name, space=SPACE, search={"budget": {"trials": 30}})
        study = registry.create(config, store=STORE, workers=1)
        ledger = Ledger(registry.engine, study.study_id, "a")
        for number in range(12):
            lease = begin(registry, study)
            ask(registry.optuna_study(study, trial=number), lease.trial_id, config)
            if number < 11 or ended:
                ledger.finish(lease, Outcome.COMPLETE, value=number / 10)
        about_to_end = {lease.trial_id: 1.1} if told else {}
        next_one = begin(registry, study, "b").trial_id
        return ask(registry.optuna_study(study, trial=12), next_one, config, about_to_end)

    known = proposed("ended", ended=True, told=False)
    assert proposed("told", ended=False, told=True) == known
    assert proposed("unaware", ended=False, told=False) != known


def test_samplers_learn_nothing_from_failures_and_shun_the_infeasible(registry: Registry) -> None:
    """Optuna reads our outcomes: a FAIL is ignored, an infeasible trial counts as the worst."""
    study = create(registry)
    ledger = Ledger(registry.engine, study.study_id, "a")
    for outcome in (Outcome.FAILED, Outcome.INFEASIBLE, Outcome.COMPLETE):
        lease = begin(registry, study)
        ask(registry.optuna_study(study), lease.trial_id, study.config)
        value = 0.5 if outcome is Outcome.COMPLETE else None
        ledger.finish(lease, outcome, value=value)
    optuna_study = registry.optuna_study(study, trial=3)
    optuna_study.ask({})
    assert optuna_study.best_trial.number == 2


def test_what_a_holder_of_before_stored_late_is_what_the_trial_trains_with(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that slept in the middle of sampling wakes up after its trial was adopted."""
    study = create(registry)
    lease = begin(registry, study)
    late = optuna.trial.Trial(registry.optuna_study(study, trial=99), lease.trial_id)
    suggest = optuna.trial.Trial.suggest_int
    stored: list[int] = []

    def suggest_after_the_late_one(trial: optuna.trial.Trial, name: str, *a: Any, **k: Any) -> int:
        if not stored:
            stored.append(suggest(late, name, 1, 3))
            suggest(trial, "unrelated", 1, 3)
            return stored[0] % 3 + 1
        return suggest(trial, name, *a, **k)

    monkeypatch.setattr(optuna.trial.Trial, "suggest_int", suggest_after_the_late_one)
    parameters = ask(registry.optuna_study(study, trial=0), lease.trial_id, study.config)
    assert parameters["model.n_layers"] == stored[0]
    frozen = registry.optuna_study(study).trials[0].params
    assert all(frozen[name] == value for name, value in parameters.items())


def test_a_trial_that_others_ended_or_deleted_is_lost(registry: Registry) -> None:
    study = create(registry, pruner={"name": "successive_halving"})
    optuna_study = registry.optuna_study(study)
    lease = begin(registry, study)
    Ledger(registry.engine, study.study_id, "a").report(
        lease, epoch=1, intermediate=Intermediate(1, 0.5), metrics={}
    )
    registry.optuna_study(study).tell(lease.number, 0.5)
    for ours in (
        lambda: ask(optuna_study, lease.trial_id, study.config),
        lambda: should_prune(optuna_study, lease.trial_id),
    ):
        with pytest.raises(LeaseLost):
            ours()
    optuna.delete_study(study_name=study.name, storage=registry.storage)
    with pytest.raises(LeaseLost):
        ask(optuna_study, lease.trial_id, study.config)


def test_all_parameters_of_a_trial_are_stored_in_one_transaction(registry: Registry) -> None:
    study = create(registry)
    lease = begin(registry, study)
    optuna_study = registry.optuna_study(study)
    writes: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "INTO trial_params" in statement:
            writes.append(statement)

    event.listen(registry.storage.engine, "before_cursor_execute", note)
    asked = ask(optuna_study, lease.trial_id, study.config)
    assert len(asked) > 1
    assert optuna_study.trials[0].params == asked
    assert len(writes) == 1
