"""One training run without a search, and the winner of a search as a configuration of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.single_run import given, given_again, next_name, single_run
from coordinator.winner import Winner
from study.config.dump import dump
from study.config.load import load_study
from study.config.records import StudyConfig
from study.errors import ConfigError, UsageError

FOUND = {"training.learning_rate": 0.0123456789, "model.n_layers": 2}


@pytest.fixture
def winner(config: StudyConfig) -> Winner:
    return Winner(config=config, number=4, value=0.8125, parameters=dict(FOUND), of=6)


def test_a_single_run_searches_nothing_and_is_one_trial(config: StudyConfig) -> None:
    single = single_run(config, name="birds-train-1", parameters=FOUND)
    assert (single.space, single.search.budget.trials, single.name) == ({}, 1, "birds-train-1")
    assert single.search.pruner.name == "none"
    assert (single.training.learning_rate, single.model.n_layers) == (0.0123456789, 2)
    assert single.training.epochs == config.training.epochs


def test_without_parameters_the_values_of_the_file_are_used(
    config: StudyConfig, tmp_path: Path
) -> None:
    file = tmp_path / "birds.yaml"
    file.write_text(dump(config))
    single = single_run(given(str(file), ["training.epochs=7"]), name="a")
    assert single.training.epochs == 7
    assert single.training.learning_rate == config.training.learning_rate


def test_overrides_win_over_a_trials_parameters(config: StudyConfig) -> None:
    again = given_again(config, FOUND, ["model.n_layers=3", "training.epochs=9"])
    assert (again.model.n_layers, again.training.epochs) == (3, 9)
    assert again.training.learning_rate == FOUND["training.learning_rate"]


@pytest.mark.parametrize(
    "override", ["space.training.learning_rate.low=1e-5", "space={}", "search.budget.trials=5"]
)
def test_what_only_a_search_has_is_refused(config: StudyConfig, override: str) -> None:
    with pytest.raises(UsageError, match="train searches nothing, so 's"):
        given_again(config, FOUND, [override])


def test_a_wrong_override_is_told_as_for_submit(config: StudyConfig) -> None:
    with pytest.raises(ConfigError, match=r"command line: training.epoch: .*epochs"):
        given_again(config, FOUND, ["training.epoch=3"])


def test_every_run_has_a_name_of_its_own() -> None:
    assert next_name("birds", ["birds"]) == "birds-train-1"
    assert next_name("birds", ["birds", "birds-train-1", "birds-train-2"]) == "birds-train-3"
    long = next_name("x" * 49 + "y", [])
    assert len(long) == 50
    assert long.endswith("x-train-1")


def test_the_winner_says_where_it_comes_from_and_loads(winner: Winner, tmp_path: Path) -> None:
    target = tmp_path / "best-birds.yaml"
    winner.write(target, force=False)
    text = target.read_text()
    assert text.startswith(
        "# The best of study birds: trial 4 of 6, validation accuracy 0.8125.\n"
        "# Found by the search, and filled in below:\n"
        "#   training.learning_rate: 0.0123456789\n"
        "#   model.n_layers: 2\n"
    )
    loaded = load_study(target)
    assert loaded == single_run(winner.config, name="best-birds", parameters=FOUND)


def test_pictures_beside_the_file_can_be_moved_with_it(winner: Winner, tmp_path: Path) -> None:
    source = tmp_path / "configs" / "data" / "birds.zip"
    data = winner.config.data.model_copy(update={"source": str(source)})
    near = Winner(
        config=winner.config.model_copy(update={"data": data}),
        number=4,
        value=0.5,
        parameters={},
        of=6,
    )
    near.write(tmp_path / "configs" / "best.yaml", force=False)
    moved = (tmp_path / "configs").rename(tmp_path / "moved")
    assert load_study(moved / "best.yaml").data.source == str(moved / "data" / "birds.zip")


def test_a_file_is_not_written_over_unless_it_is_asked_for(winner: Winner, tmp_path: Path) -> None:
    target = tmp_path / "best.yaml"
    target.write_text("mine")
    with pytest.raises(UsageError, match=r"best.yaml: exists; .* --force"):
        winner.write(target, force=False)
    assert target.read_text() == "mine"
    winner.write(target, force=True)
    assert load_study(target).name == "best"


@pytest.mark.parametrize(
    ("name", "rule"), [("Best.yaml", "lower-case letters"), ("best.txt", "must name a .yaml file")]
)
def test_a_file_that_no_study_could_be_read_from_is_refused(
    winner: Winner, tmp_path: Path, name: str, rule: str
) -> None:
    with pytest.raises(UsageError, match=rule):
        winner.write(tmp_path / name, force=False)
    assert list(tmp_path.iterdir()) == []
