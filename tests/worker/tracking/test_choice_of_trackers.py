from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec

import pytest

from study.config.identity import identity
from study.config.records import StudyConfig
from study.config.tracking import TrackingConfig
from study.errors import UsageError
from worker.tracking import choice
from worker.tracking.choice import check_trackers
from worker.tracking.narrator import parameters

NewStudy = Callable[..., StudyConfig]


def test_a_missing_package_is_told_with_its_extra(
    new_study: NewStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name == "wandb" else ModuleSpec(name, None)

    monkeypatch.setattr(choice, "find_spec", found)
    tracking = TrackingConfig(trackers=("tensorboard", "wandb"))
    with pytest.raises(UsageError, match=r"wandb is not installed: install hpo\[wandb\]"):
        check_trackers(new_study().model_copy(update={"tracking": tracking}))
    check_trackers(new_study())


def test_a_study_goes_on_with_other_trackers(new_study: NewStudy) -> None:
    other = new_study().model_copy(update={"tracking": TrackingConfig(trackers=())})
    assert identity(other) == identity(new_study())


def test_parameters_are_what_the_search_chose(new_study: NewStudy) -> None:
    content = new_study().model_dump(mode="json")
    content["space"] = {
        "training.learning_rate": {"type": "float", "low": 1e-4, "high": 1.0},
        "model.n_filters.1": {"type": "int", "low": 8, "high": 32},
    }
    config = StudyConfig.model_validate(content)
    assert parameters(config) == {"training.learning_rate": 1e-3, "model.n_filters.1": 16}
