from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch

from study.config.records import StudyConfig
from worker.data.store import Store
from worker.step import deciding, way
from worker.step.deciding import decide
from worker.step.decision import Decision
from worker.step.payoff import pays, quickest
from worker.step.way import ROUNDS
from worker.training import forward
from worker.training.learner import Learner

CPU = torch.device("cpu")
LONG = 10**6  # epochs, with which everything is worth measuring

NewStudy = Callable[..., StudyConfig]
Decide = Callable[..., Decision]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The number format of every step that is done."""
    done: list[str] = []
    step = Learner.step

    def noted(learner: Learner, *batch: Any) -> object:
        done.append(str(learner.dtype).removeprefix("torch."))
        return step(learner, *batch)

    monkeypatch.setattr(Learner, "step", noted)
    return done


@pytest.fixture
def decided(shapes_store: Path, new_study: NewStudy, monkeypatch: pytest.MonkeyPatch) -> Decide:
    """On a CPU that has bfloat16 and a compiler, whatever this one has; keywords are those of
    `new_study`."""
    monkeypatch.setattr(deciding, "formats", lambda _device: ("bfloat16", "float32"))
    monkeypatch.setattr(deciding, "missing", lambda _device: None)
    monkeypatch.setattr(way, "TURN_SECONDS", 0.001)
    compile_with = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda function, **_: compile_with(function, backend="eager")
    )
    monkeypatch.setattr(forward, "missing", lambda _device: None)
    store = Store.open(shapes_store)
    return lambda **study: decide(new_study(**study), store, CPU, 1)


def test_a_short_trial_is_not_measured(decided: Decide, steps: list[str]) -> None:
    found = decided(training={"epochs": 2, "batch_size": 16})
    assert (found.precision, found.compiled) == ("bfloat16", False)
    assert found.reasons[0].startswith("bfloat16 is suggested, and a trial of 0 s not worth")
    assert found.reasons[1] == "compiling cannot pay within a trial of 0 s"
    assert found.steps == 2 * (126 // 16)
    assert len(steps) == 5


def test_formats_of_a_long_trial_are_measured_in_turns(decided: Decide, steps: list[str]) -> None:
    found = decided(training={"epochs": LONG, "batch_size": 16, "compile": "never"})
    assert {name: len(seconds) for name, seconds in found.step_seconds.items()} == {
        "bfloat16": ROUNDS, "float32": ROUNDS,
    }  # fmt: skip
    assert found.precision == quickest("bfloat16", found.step_seconds)
    assert "ms a step in float32" in found.reasons[0]
    turns = [name for name, before in zip(steps, ["", *steps], strict=False) if name != before]
    assert turns == ["bfloat16", "float32"] * (1 + ROUNDS)
    assert found.reasons[1] == "training.compile=never"


def test_a_long_trial_is_compiled_where_that_pays(decided: Decide) -> None:
    found = decided(training={"epochs": LONG, "batch_size": 16, "precision": "float32"})
    assert found.reasons[0] == "training.precision=float32"
    assert set(found.step_seconds) == {"float32", "float32, compiled"}
    assert found.compile_seconds is not None
    plain, compiled = map(median, found.step_seconds.values())
    assert found.compiled is pays(found.steps, plain, compiled, found.compile_seconds)
    assert "s to compile" in found.reasons[1]


def test_without_a_compiler_the_step_stays_as_it_is_written(
    decided: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "missing", lambda _device: "a C++ compiler (g++)")
    found = decided(training={"epochs": LONG, "precision": "float32"})
    assert not found.compiled
    assert found.reasons[1] == "without a C++ compiler (g++) nothing can be compiled"


def test_what_the_compiler_cannot_do_is_left_as_it_is_written(
    decided: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **_options: object) -> None:
        raise RuntimeError("no kernel\nfor this")

    monkeypatch.setattr(torch, "compile", broken)
    found = decided(training={"epochs": LONG, "precision": "float32"})
    assert not found.compiled
    assert found.reasons[1].startswith("cannot be compiled: RuntimeError: no kernel")
    assert "\n" not in found.reasons[1]


def test_a_middle_that_cannot_be_built_leaves_what_the_device_suggests(decided: Decide) -> None:
    found = decided(model={"n_layers": 6, "n_filters": [8] * 6, "kernel_sizes": [3] * 6})
    assert (found.precision, found.compiled) == ("bfloat16", False)
    assert "use at most 4 layers" in found.reasons[0]
