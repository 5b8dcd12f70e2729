from __future__ import annotations

from pathlib import Path

import pytest

from study.config.dump import dump
from study.config.load import load_study
from study.errors import ConfigError

FOLDED = """\
name: birds
data:
  source: birds.zip
  image_size: 64
  split: {folds: 5}
training:
  stages:
    - {epochs: 4}
    - {epochs: 2}
search:
  pruner: {name: wilcoxon}
  budget: {trials: 3}
"""


def load(tmp_path: Path, *overrides: str) -> object:
    path = tmp_path / "birds.yaml"
    path.write_text(FOLDED)
    return load_study(path, overrides).trial_epochs


def test_a_trials_epochs_are_those_of_all_stages_and_folds(tmp_path: Path) -> None:
    assert load(tmp_path) == 30
    assert load(tmp_path, "search.pruner.name=none", "data.split.folds=null") == 6


@pytest.mark.parametrize("pruner", ["median", "percentile", "asha", "successive_halving"])
def test_epochs_of_different_folds_are_not_compared(tmp_path: Path, pruner: str) -> None:
    rule = (
        rf"search\.pruner\.name: must be wilcoxon or none where data\.split\.folds=5, got {pruner}"
    )
    with pytest.raises(ConfigError, match=rule):
        load(tmp_path, f"search.pruner.name={pruner}")


def test_without_folds_there_is_nothing_to_compare_by_wilcoxon(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"yaml:11: search\.pruner\.name: wilcoxon compares folds"
    ):
        load(tmp_path, "data.split.folds=null")


def test_two_objectives_are_not_pruned(tmp_path: Path) -> None:
    rule = r"search\.pruner\.name: must be none where search\.second is latency, got median"
    plain = ("data.split.folds=null", "search.second=latency")
    with pytest.raises(ConfigError, match=rule):
        load(tmp_path, *plain, "search.pruner.name=median")
    assert load(tmp_path, *plain, "search.pruner.name=none") == 6


def test_values_of_a_stage_can_be_searched(tmp_path: Path) -> None:
    parameter = "{type: float, low: 1e-4, high: 1e-2}"
    load(tmp_path, f"space.training.stages.1.learning_rate={parameter}")
    with pytest.raises(ConfigError, match=r"learning_rat: no such value.*learning_rate"):
        load(tmp_path, f"space.training.stages.1.learning_rat={parameter}")


def test_an_unknown_key_of_a_stage_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.stages\.1\.epoch: unknown key.*epochs"):
        load(tmp_path, "training.stages.1.epoch=3")
    with pytest.raises(ConfigError, match=r"augmentation\.flip: unknown key"):
        load(tmp_path, "training.stages.0.augmentation={flip: 1}")


def test_what_every_stage_says_otherwise_is_not_taken_for_the_trials(tmp_path: Path) -> None:
    rule = (
        r"command line: training\.epochs: has no effect, every stage has its own: "
        r"training\.stages\.0\.epochs training\.stages\.1\.epochs; "
        r"or training\.stages=\[\] leaves the stages out, got 10"
    )
    with pytest.raises(ConfigError, match=rule):
        load(tmp_path, "training.epochs=10")
    assert load(tmp_path, "training.epochs=10", "training.stages=[]") == 50
    assert load(tmp_path, "training.learning_rate=1e-2") == 30  # no stage has a rate of its own
    with pytest.raises(ConfigError, match=r"learning_rate: has no effect"):
        load(
            tmp_path,
            "training.stages.0.learning_rate=1e-2",
            "training.stages.1.learning_rate=1e-3",
            "space.training.learning_rate={type: float, low: 1e-4, high: 1e-2}",
        )


def test_a_file_with_all_defaults_spelled_out_has_stages(tmp_path: Path) -> None:
    path = tmp_path / "birds.yaml"
    path.write_text(FOLDED)
    study = load_study(path)
    path.write_text(dump(study))
    assert load_study(path) == study
    path.write_text(FOLDED.replace("  stages:", "  epochs: 3\n  stages:"))
    with pytest.raises(ConfigError, match=r"birds\.yaml:7: training\.epochs: has no effect"):
        load_study(path)
