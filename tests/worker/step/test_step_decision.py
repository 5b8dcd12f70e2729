from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker.step import decision as module
from worker.step.decision import (
    Attempt,
    ComputingKind,
    Decision,
    is_open,
    kept,
    kind_of,
    made,
    settled,
)

CPU = torch.device("cpu")
KIND = ComputingKind(study="s", device="a CPU", formats=("float32",), threads=2, torch="2.14")

NewStudy = Callable[..., StudyConfig]


def decision(**changes: object) -> Decision:
    plain = {"kind": KIND, "precision": "bfloat16", "compiled": True, "reasons": ("measured",)}
    return Decision.model_validate({**plain, **changes})


def kept_in(file: Path, decide: Callable[[], Decision], otherwise: Decision) -> Decision:
    """By a process of its own."""
    return kept(file, Attempt(), decide, otherwise)


SUGGESTED = decision(compiled=False, reasons=("suggested",))


def test_the_first_decision_is_every_worker_s(tmp_path: Path) -> None:
    file = StudyPaths(tmp_path).step(KIND.name)
    first = kept(
        file, Attempt(), lambda: decision(step_seconds={"bfloat16": (0.1, 0.2)}), SUGGESTED
    )
    assert kept_in(file, lambda: decision(precision="float32"), SUGGESTED) == first != SUGGESTED


def test_a_process_that_dies_of_measuring_is_the_last_that_measures(tmp_path: Path) -> None:
    file = tmp_path / "step.json"

    def die() -> Decision:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_in(file, die, SUGGESTED)
    assert kept_in(file, decision, SUGGESTED) == SUGGESTED == kept_in(file, decision, decision())


def test_a_process_that_was_told_to_stop_has_not_died_of_measuring(tmp_path: Path) -> None:
    file, attempt = tmp_path / "step.json", Attempt()
    attempt.end()  # before it began

    def leave() -> Decision:
        attempt.end()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(file, attempt, leave, SUGGESTED)
    assert kept_in(file, decision, SUGGESTED) == decision() != SUGGESTED
    assert [path.suffix for path in tmp_path.iterdir()].count(".begun") == 0


def test_a_second_worker_waits_for_the_one_that_measures(tmp_path: Path) -> None:
    file, measuring, go_on = tmp_path / "step.json", threading.Event(), threading.Event()
    found: list[Decision] = []

    def measure() -> Decision:
        measuring.set()
        go_on.wait()
        return decision(precision="float16")

    first = threading.Thread(target=lambda: kept_in(file, measure, SUGGESTED))
    second = threading.Thread(target=lambda: found.append(kept_in(file, decision, SUGGESTED)))
    first.start()
    measuring.wait()
    second.start()
    go_on.set()
    first.join()
    second.join()
    assert [each.precision for each in found] == ["float16"]


def test_a_file_that_is_none_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    file.write_text('{"precision": "float8"}')
    assert kept_in(file, decision, SUGGESTED) == decision() == kept_in(file, decision, SUGGESTED)


def test_a_decision_is_found_by_those_with_other_threads_and_of_no_other_kind(
    tmp_path: Path,
) -> None:
    paths = StudyPaths(tmp_path)
    assert made(paths.step(KIND.name), KIND) is None
    for threads in (1, 4, 16):
        kind = KIND.model_copy(update={"threads": threads})
        kept_in(paths.step(kind.name), partial(decision, kind=kind), SUGGESTED)
    found = made(paths.step(KIND.name), KIND.model_copy(update={"threads": 9}))
    assert found == decision(kind=KIND.model_copy(update={"threads": 4}))
    assert made(paths.step(KIND.name), KIND.model_copy(update={"device": "another"})) is None


def test_other_machines_and_other_studies_decide_for_themselves(new_study: NewStudy) -> None:
    study = new_study()
    kinds = [
        kind_of(study, CPU, 1),
        kind_of(study, CPU, 2),
        kind_of(new_study(training={"epochs": 3}), CPU, 1),
        kind_of(study, CPU, 1).model_copy(update={"device": "another CPU"}),
        kind_of(study, CPU, 1).model_copy(update={"formats": ("float16",)}),
        kind_of(study, CPU, 1).model_copy(update={"torch": "3.0"}),
    ]
    assert len({kind.name for kind in kinds}) == 6
    assert kind_of(study, CPU, 1).name == kinds[0].name


def test_what_is_left_open_is_settled_and_what_is_said_stays(
    new_study: NewStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "missing", lambda _device: None)
    stages = [{"epochs": 1, "precision": "auto"}, {"epochs": 1, "precision": "float16"}]
    open_, said = (
        settled(new_study(training=training), decision(), CPU).training
        for training in (
            {"stages": stages},
            {"precision": "float32", "compile": "never"},
        )
    )
    assert (open_.precision, open_.compile) == ("bfloat16", "always")
    assert [stage.precision for stage in open_.in_stages] == ["bfloat16", "float16"]
    assert (said.precision, said.compile) == ("float32", "never")
    assert not is_open(open_)
    assert not is_open(said)
    assert is_open(said.model_copy(update={"compile": "auto"}))
    assert is_open(said.model_copy(update={"precision": "auto"}))


def test_a_machine_of_the_kind_without_a_compiler_compiles_nothing(
    new_study: NewStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "missing", lambda _device: "a C++ compiler")
    assert settled(new_study(), decision(), CPU).training.compile == "never"
