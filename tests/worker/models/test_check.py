"""What a study's models need is looked for before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.config.records import StudyConfig
from study.errors import ModelError
from worker.models.check import check_models


def study(model: dict[str, Any], **space: Any) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "birds",
            "data": {"source": "/birds.zip", "image_size": 64},
            "model": model,
            "space": {
                name.replace("_of_", "."): {"type": "categorical", **parameter}
                for name, parameter in space.items()
            },
            "search": {"budget": {"trials": 1}},
        }
    )


def test_own_kinds_and_fresh_backbones_need_nothing() -> None:
    check_models(study({"name": "plain_cnn"}))
    check_models(study({"name": "resnet18"}))


def test_every_name_of_the_space_must_exist() -> None:
    names = {"choices": ["plain_cnn", "resnet18", "resnet81"]}
    with pytest.raises(ModelError, match=r"unknown model\.name, got 'resnet81'; did you mean resn"):
        check_models(study({"name": "resnet18", "weights": "/nowhere"}, model_of_name=names))


def test_every_file_of_weights_of_the_space_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    there = tmp_path / "there.pth"
    there.touch()
    weights = {"choices": [None, str(there)]}
    check_models(study({"name": "resnet18", "weights": "/nowhere"}, model_of_weights=weights))
    more = {"choices": [None, str(there), "torch_home"]}
    with pytest.raises(ModelError, match=r"no file .*checkpoints/resnet18-f37072fd\.pth"):
        check_models(study({"name": "resnet18"}, model_of_weights=more))


def test_weights_that_only_other_models_take_are_not_looked_for(tmp_path: Path) -> None:
    there = tmp_path / "there.pth"
    there.touch()
    names = {"choices": ["resnet18", "tests.worker.models.small_network:SmallNetwork"]}
    weights = {"choices": [str(there)], "when": "model.name == resnet18"}
    check_models(study({"name": "resnet18"}, model_of_name=names, model_of_weights=weights))
