"""Parts of the suite run for real, over few small pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

from bench import step
from bench.between_epochs import GOES_ON, WAITS
from bench.section import Section
from bench.suite import keep, main, run
from bench.whole_study import OWN, STOCK
from tests.pictures import draw_classes


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("pictures") / "given", per_class=15)


def given(pictures: Path) -> argparse.Namespace:
    return argparse.Namespace(data=pictures)


def section(result: dict[str, object] | None) -> Section:
    assert result is not None
    plain = result["section"]
    assert isinstance(plain, dict)
    return Section.from_plain(plain)


def test_every_loader_takes_its_turns(pictures: Path, tmp_path: Path) -> None:
    part = ["input_pipeline", "--size=16", "--batch=8", "--rounds=2"]
    result = run(part, given(pictures))
    found = section(result)
    names = [row[0] for row in found.rows]
    assert names[0] == "DataLoader"
    assert "`resident`" in names
    assert all(len(found.rounds[name]) == 2 and min(found.rounds[name]) > 0 for name in names)
    assert result is not None
    result["commit"] = "abc"
    keep(tmp_path, "results", "input-64", result, order=["input-128", "input-64"])
    keep(tmp_path, "results", "input-128", result, order=["input-128", "input-64"])
    kept = json.loads((tmp_path / "results.json").read_text())
    assert list(kept) == ["input-128", "input-64"]
    assert (tmp_path / "results.md").read_text().count("## Input pipeline at 16 px") == 2


def test_a_step_is_measured_in_each_format() -> None:
    found = step.measure(
        argparse.Namespace(size=16, batch=8, rounds=1, models=["DynamicCNN"], without_compile=True)
    )
    assert [row[1] for row in found.rows] == [
        *("float32", "float32, channels-last", "bfloat16, channels-last")
    ]
    assert all(values[0] > 0 for name, values in found.rounds.items() if values)


def test_a_trial_waits_between_its_epochs_and_goes_on(pictures: Path) -> None:
    part = ["between_epochs", "--size=16", "--steps=4", "--rounds=1", "--models=DynamicCNN"]
    found = section(run(part, given(pictures)))
    waits, goes_on = (found.rounds[f"DynamicCNN, {way}, seconds"][0] for way in (WAITS, GOES_ON))
    assert 0 < goes_on < waits


@pytest.mark.timeout(600)  # two searches with processes of their own, on whatever cores are left
def test_both_searches_spend_the_same_budget_on_the_same_files(pictures: Path) -> None:
    part = ["whole_study", "--size=16", "--seeds=1", "--trials=2", "--epochs=1"]
    found = section(run(part, given(pictures)))
    assert [row[0] for row in found.rows] == [STOCK, OWN]
    for name in (STOCK, OWN):
        assert 0.0 < found.rounds[f"{name}, best accuracy"][0] <= 1.0
        assert found.rounds[f"{name}, trials an hour"][0] > 0


def test_the_memory_of_all_processes_of_a_worker_is_counted(pictures: Path) -> None:
    part = ["worker_memory", "--size=64", "--batch=32", "--trials=2", "--epochs=2"]
    found = section(run(part, given(pictures)))
    kinds = [row[0] for row in found.rows]
    assert kinds[:3] == ["supervisor", "fork server", "trials"]
    assert 300 < sum(values[0] for values in found.rounds.values()) < 3000  # MiB


def test_a_part_that_fails_gives_nothing(pictures: Path) -> None:
    assert run(["no_such_part"], given(pictures)) is None


def test_an_unknown_part_lists_the_valid_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "stpe"])
    assert ended.value.code == 2
    assert "no part 'stpe'; valid are input-128, input-64" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_its_figures_are_refused_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--gpu"]) == 2
    said = capsys.readouterr().err
    assert said == "bench: --gpu needs a GPU that torch can use: none was found\n"
