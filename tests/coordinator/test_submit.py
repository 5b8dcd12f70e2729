"""What is refused, and what may change, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.change import changed
from coordinator.verbs.arguments import changes
from study.config.load import load_study
from study.config.records import StudyConfig
from study.errors import ConfigError, StudyExists


def test_a_study_can_go_on_with_more_budget_and_its_pictures_moved(config: StudyConfig) -> None:
    new = changed(config, ["search.budget.trials=9", "data.source=/elsewhere"])
    assert (new.search.budget.trials, new.data.source) == (9, "/elsewhere")
    assert changed(config, []) == config


def test_a_study_cannot_go_on_as_another(config: StudyConfig) -> None:
    with pytest.raises(StudyExists, match=r"training.epochs: 2 there, 3 here"):
        changed(config, ["training.epochs=3"])
    with pytest.raises(ConfigError, match=r"command line: search.budget.trials"):
        changed(config, ["search.budget.trials=0"])


@pytest.mark.parametrize("name", ["a: b.zip", "#1.zip", 'it\'s "it".zip', "ü.zip", "[x].zip"])
def test_any_path_can_be_given_as_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: a\ndata: {source: b, image_size: 8}\nsearch: {budget: {trials: 1}}\n")
    monkeypatch.chdir(tmp_path)
    config = load_study(file, changes(None, name))
    assert config.data.source == str(tmp_path / name)
    assert changes(None, None) == []
