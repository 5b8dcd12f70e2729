"""Trials of a small study are really rehearsed at once, in processes of their own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from study.config.identity import identity
from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker.messages import Standby
from worker.packing import together
from worker.packing.found import find
from worker.packing.together import rehearse

NewStudy = Callable[..., StudyConfig]


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(together, "WARM_SECONDS", 0.05)
    monkeypatch.setattr(together, "TRAIN_SECONDS", 0.2)
    return


@pytest.fixture
def standby(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Standby:
    return Standby(
        store=shapes_store,
        artifacts=StudyPaths(tmp_path),
        config=new_study(training={"batch_size": 8}),
        device="cpu",
        threads=2,
    )


def turn() -> None:
    """A worker says that it lives."""


def test_what_is_found_is_told_and_kept_for_those_that_come_later(
    standby: Standby, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "worker.packing.found")
    slots = find(standby, sharing="cpu", turned=turn)
    assert slots in (1, 2), "a CPU has a use for as many as it has threads"
    (file,) = (tmp_path / "packing").glob("*.json")
    kept = json.loads(file.read_text())
    assert kept["slots"] == slots
    assert kept["kind"]["study"] == identity(standby.config)
    assert [figures["trials"] for figures in kept["measured"]] == [1, 2]
    assert all(figures["images_per_second"] > 0 for figures in kept["measured"])
    assert all(figures["peak_bytes"] > 2**26 for figures in kept["measured"])
    assert caplog.messages[0].startswith("packing: 1 at once: ")
    assert caplog.messages[-1] == f"packing: {slots} at once, measured: {kept['reason']}"

    file.write_text(json.dumps({**kept, "slots": 7}))
    assert find(standby, sharing="cpu", turned=turn) == 7
    assert caplog.messages[-1] == f"packing: 7 at once, from {file.name}: {kept['reason']}"


@pytest.mark.parametrize("damage", ["", "{}", "[1]"])
def test_an_outcome_that_cannot_be_read_is_found_anew(
    damage: str, standby: Standby, tmp_path: Path
) -> None:
    alone = replace(standby, threads=1)
    assert find(alone, sharing="cpu", turned=turn) == 1
    assert not list((tmp_path / "packing").glob("*.json")), "nothing was measured"
    (lock,) = (tmp_path / "packing").glob("*.lock")
    lock.with_suffix(".json").write_text(damage)
    assert find(alone, sharing="cpu", turned=turn) == 1


def test_a_middle_that_cannot_be_trained_is_trained_one_at_a_time(
    standby: Standby, new_study: NewStudy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "worker.packing.found")
    deep = new_study(model={"n_layers": 6, "n_filters": [8] * 6, "kernel_sizes": [3] * 6})
    standby = replace(standby, config=deep)
    assert find(standby, sharing="cpu", turned=turn) == 1
    assert "use at most 4 layers" in caplog.text
    assert not list((tmp_path / "packing").glob("*.json")), "it is tried again"


def test_a_device_that_is_not_there_is_no_end_of_the_worker(
    standby: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    standby = replace(standby, device="cuda:63")
    assert find(standby, sharing="time-slicing", turned=turn) == 1
    assert "the device cannot be asked" in caplog.text


def test_a_process_that_is_not_ready_in_time_is_told_as_such(
    standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "PATIENCE", 0.0)
    monkeypatch.setattr(together, "LOOK_SECONDS", 0.0)
    turns: list[int] = []
    figures = rehearse(standby, 1, lambda: turns.append(1))
    assert figures.failure == "no answer within 0 s"
    assert turns
