"""Promotion onto a real file system and PostgreSQL; a small script stands in for `measure`."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from coordinator.promote import promote
from coordinator.promoted import describe, in_use, rollback, versions
from coordinator.status import show_best
from coordinator.worker_program import LocalProgram
from study import paths
from study.config.load import load_study
from study.config.records import StudyConfig
from study.errors import CheckpointCorrupt, HpoError, UsageError
from study.lease import Outcome
from study.ledger import Ledger
from study.paths import StudyPaths
from study.promotion import read_promoted, verify
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS

from .conftest import Past

MEASURE = """
import json, os, pathlib, sys
verb, _, trials, _, output = sys.argv[1:]
assert verb == "measure" and os.environ["HPO_STUDY"] == "birds" and os.environ["HPO_STORAGE"]
numbers = [int(number) for number in trials.split(",")]
if os.environ.get("FAIL"):
    sys.exit("hpo-worker: none has weights that can be read")
calls = pathlib.Path(__file__).with_name("calls")
calls.write_text(calls.read_text() + trials + "\\n" if calls.exists() else trials + "\\n")
result = {
    "winner": numbers[-1],
    "validation": {str(number): {"accuracy": 0.5, "loss": 1.0} for number in numbers},
    "test": None,
}
(pathlib.Path(output) / "weights.pt").write_bytes(b"weights of trial %d" % numbers[-1])
(pathlib.Path(output) / "metrics.json").write_text(json.dumps(result))
print(json.dumps(result))
"""
FILES = {
    "weights.pt",
    "config.yaml",
    "classes.json",
    "normalization.json",
    "metrics.json",
    "history.json",
}

Promote = Callable[..., int]


@pytest.fixture
def measure(tmp_path: Path) -> list[str]:
    script = tmp_path / "measure.py"
    script.write_text(MEASURE)
    return [sys.executable, "-S", str(script)]


@pytest.fixture
def run(registry: Registry, study: RegisteredStudy, measure: list[str]) -> Promote:
    return lambda **options: promote(registry, study, LocalProgram(measure), **options)


@pytest.fixture
def place(study: RegisteredStudy) -> StudyPaths:
    return paths.artifacts(study.name)


def calls(home: Path) -> list[str]:
    return (home / "measure.py").with_name("calls").read_text().split()


def recorded(registry: Registry, study: RegisteredStudy) -> list[tuple[int, int]]:
    with registry.engine.connect() as connection:
        rows = connection.execute(STATEMENTS["promotions"], {"study_id": study.study_id})
        return [(row.version, row.number) for row in rows]


def test_the_top_three_are_measured_and_the_winner_is_written_out(
    run: Promote,
    past: Past,
    place: StudyPaths,
    registry: Registry,
    study: RegisteredStudy,
    home: Path,
) -> None:
    numbers = [past.end(value) for value in (0.2, 0.9, 0.4, 0.8)]
    past.end(0.99, Outcome.PRUNED)
    assert run() == 1
    assert calls(home) == [f"{numbers[1]},{numbers[3]},{numbers[2]}"]
    manifest = verify(place.latest)
    assert (manifest.study, manifest.version, manifest.trial) == ("birds", 1, numbers[2])
    assert set(manifest.files) == FILES
    assert {file.name for file in place.version(1).iterdir()} == FILES | {"manifest.json"}
    assert recorded(registry, study) == [(1, numbers[2])]


def test_a_promoted_model_says_how_it_is_built_and_fed(
    run: Promote, past: Past, place: StudyPaths, registry: Registry, study: RegisteredStudy
) -> None:
    number = past.end(0.5)
    run()
    config = load_study(place.latest / "config.yaml")
    params = registry.optuna_study(study).trials[number].params
    assert config.training.learning_rate == params["training.learning_rate"]
    assert config.model.n_layers == params["model.n_layers"]
    assert json.loads((place.latest / "classes.json").read_text()) == ["finch", "wren"]
    assert read_promoted(place.latest).store == study.store
    history = json.loads((place.latest / "history.json").read_text())
    assert [(epoch["epoch"], epoch["metrics"]["accuracy"]) for epoch in history] == [
        (0, 0.5),
        (1, 0.5),
    ]
    assert json.loads((place.latest / "normalization.json").read_text()) == {
        "mean": [0.5],
        "std": [0.25],
        "image_size": 16,
        "channels": 1,
    }


def test_the_same_candidates_are_not_promoted_twice(
    run: Promote, past: Past, place: StudyPaths, home: Path
) -> None:
    past.end(0.5)
    assert [run(), run(reuse=True)] == [1, 1]
    assert len(calls(home)) == 1
    past.end(0.6)
    assert run() == 2
    assert in_use(place) == 2


def test_without_a_complete_trial_nothing_is_promoted(
    run: Promote, past: Past, place: StudyPaths
) -> None:
    past.end(0.5, Outcome.PRUNED)
    with pytest.raises(HpoError, match="no trial of study 'birds' is complete"):
        run()
    assert not place.promoted.exists()


def test_a_chosen_trial_must_be_complete(run: Promote, past: Past, place: StudyPaths) -> None:
    first, pruned = past.end(0.3), past.end(0.5, Outcome.PRUNED)
    past.end(0.9)
    with pytest.raises(UsageError, match=f"trial {pruned} .* is not complete"):
        run(trial=pruned)
    run(trial=first)
    assert read_promoted(place.latest).trial == first


def test_a_failed_measurement_leaves_the_version_in_use(
    run: Promote, past: Past, place: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.end(0.5)
    run()
    past.end(0.6)
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(HpoError, match="none has weights"):
        run()
    assert (versions(place), in_use(place)) == ([1], 1)
    monkeypatch.delenv("FAIL")
    assert run() == 2
    assert not list(place.promoted.glob(".new-*"))


@pytest.mark.parametrize("line", ["_describe_model", "use", "_record"])
def test_killed_on_the_way_the_next_promotion_goes_on(
    run: Promote,
    past: Past,
    place: StudyPaths,
    registry: Registry,
    study: RegisteredStudy,
    measure: list[str],
    line: str,
) -> None:
    """The kill is a real one, of a process that gets as far as `line`."""
    number = past.end(0.5)
    script = f"""
import os, signal
from sqlalchemy.engine import make_url
from coordinator import promote, publish
from coordinator.worker_program import LocalProgram
from study.registry import Registry
publish.{line} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
registry = Registry(make_url({registry.url.render_as_string(hide_password=False)!r}))
promote.promote(registry, registry.find("birds"), LocalProgram({measure!r}))
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    assert recorded(registry, study) == []
    assert run() == 1
    assert recorded(registry, study) == [(1, number)]
    assert verify(place.latest).trial == number
    assert not list(place.promoted.glob(".new-*"))


def test_a_damaged_file_is_named(run: Promote, past: Past, place: StudyPaths) -> None:
    past.end(0.5)
    run()
    (place.latest / "weights.pt").write_bytes(b"others")
    (place.latest / "classes.json").unlink()
    with pytest.raises(CheckpointCorrupt, match=r"classes.json is missing.*weights.pt does not"):
        verify(place.latest)


def test_a_damaged_version_is_promoted_anew(run: Promote, past: Past, place: StudyPaths) -> None:
    past.end(0.5)
    run()
    (place.version(1) / "weights.pt").write_bytes(b"others")
    assert run() == 2
    assert verify(place.latest).version == 2


def test_rollback_goes_to_the_newest_whole_version_before(
    run: Promote, past: Past, place: StudyPaths
) -> None:
    for value in (0.5, 0.6, 0.7):
        past.end(value)
        run()
    (place.version(2) / "weights.pt").write_bytes(b"others")
    assert rollback(place).version == 1
    assert in_use(place) == 1
    with pytest.raises(UsageError, match="no version before 1"):
        rollback(place)


def test_a_rollback_lasts_until_a_person_promotes(
    run: Promote, past: Past, place: StudyPaths
) -> None:
    for value in (0.5, 0.6):
        past.end(value)
        run()
    rollback(place)
    assert run() == 2
    assert in_use(place) == 1
    run(reuse=True)
    assert in_use(place) == 2


def test_with_folds_both_values_say_what_they_are_of(
    run: Promote, registry: Registry, study: RegisteredStudy, past: Past, place: StudyPaths
) -> None:
    past.end(0.5)
    version = run()
    plain = study.config.model_dump(mode="json")
    plain["data"]["split"] |= {"folds": 3}
    plain["search"] |= {"pruner": {"name": "none"}}
    folded = StudyConfig.model_validate(plain)
    said = describe(place, version, folded)
    assert re.search(r"validation accuracy \d\.\d{4} \(its middle fold of 3\)", said)
    output = io.StringIO()
    show_best(registry, replace(study, config=folded), Console(file=output, width=200))
    assert output.getvalue().startswith("trial 0: validation accuracy 0.5000 (mean of 3 folds)")


def test_nothing_promoted_cannot_be_rolled_back(place: StudyPaths) -> None:
    with pytest.raises(UsageError, match="nothing is promoted"):
        rollback(place)


def test_where_no_trial_is_complete_the_last_reason_is_told(
    run: Promote, registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    lease = past.begin()
    ledger = Ledger(registry.engine, study.study_id, lease.worker)
    ledger.finish(lease, Outcome.FAILED, attributes={"reason": "disk full\nwhile writing"})
    with pytest.raises(HpoError, match=r"none to promote; trial 0: disk full\\nwhile writing"):
        run()
