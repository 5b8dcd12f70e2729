"""What a pruner can be told, and what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.config.load import load_study
from study.config.records import StudyConfig
from study.errors import ConfigError

STUDY = """\
name: birds
data: {source: birds.zip, image_size: 64}
training: {epochs: 9}
search:
  pruner: {name: asha}
  budget: {trials: 3}
"""


def load(tmp_path: Path, *overrides: str) -> StudyConfig:
    path = tmp_path / "birds.yaml"
    path.write_text(STUDY)
    return load_study(path, overrides)


def test_rungs_are_at_min_epochs_times_powers_of_the_factor(tmp_path: Path) -> None:
    pruner = load(tmp_path, "search.pruner.min_epochs=2", "search.pruner.reduction_factor=3")
    rungs = {epochs: pruner.search.pruner.rung(epochs) for epochs in range(1, 20)}
    reached = {epochs: rung for epochs, rung in rungs.items() if rung is not None}
    assert reached == {2: 0, 6: 1, 18: 2}
    assert load(tmp_path, "search.pruner.name=median").search.pruner.rung(1) is None


@pytest.mark.parametrize("pruner", ["asha", "successive_halving", "hyperband"])
def test_the_first_rung_is_below_the_end_of_a_trial(tmp_path: Path, pruner: str) -> None:
    rule = r"search\.pruner\.min_epochs: must be below the 9 epochs of a trial, got 9"
    with pytest.raises(ConfigError, match=rule):
        load(tmp_path, f"search.pruner.name={pruner}", "search.pruner.min_epochs=9")
    assert load(tmp_path, f"search.pruner.name={pruner}", "search.pruner.min_epochs=8")
    assert load(tmp_path, "search.pruner.name=median", "search.pruner.min_epochs=9")


def test_a_trial_is_not_paused_for_a_metric_that_is_one_of_two_objectives(tmp_path: Path) -> None:
    rule = r"search\.pruner\.name: must be none where search\.second is parameters, got asha"
    with pytest.raises(ConfigError, match=rule):
        load(tmp_path, "search.second=parameters")
