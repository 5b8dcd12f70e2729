from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("pruner", ["median", "percentile", "successive_halving"])
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
