from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker import warm_up as module
from worker.messages import Standby
from worker.step.decision import Attempt
from worker.training.learner import Learner
from worker.warm_up import warm_up

NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def standby(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Standby:
    return Standby(
        store=shapes_store,
        artifacts=StudyPaths(tmp_path),
        config=new_study(training={"compile": "never", "precision": "float32"}),
        device="cpu",
        threads=torch.get_num_threads(),
    )


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """The shapes of all batches that are trained on."""
    seen: list[torch.Size] = []
    step = Learner.step

    def noted(learner: Learner, images: torch.Tensor, *rest: object) -> object:
        seen.append(images.shape)
        return step(learner, images, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", noted)
    return seen


def test_a_process_without_a_trial_has_done_a_step_of_its_study(
    standby: Standby, steps: list[torch.Size]
) -> None:
    ready = warm_up(standby, Attempt())
    assert ready is not None
    assert (ready.store.path, ready.decision) == (standby.store, None)
    assert steps == [(2, 1, 16, 16)]


def test_a_study_as_written_that_cannot_train_is_no_reason_to_wait(
    standby: Standby, steps: list[torch.Size], new_study: NewStudy
) -> None:
    deep = new_study(model={"n_layers": 5, "n_filters": (2,) * 5, "kernel_sizes": (3,) * 5})
    assert warm_up(dataclasses.replace(standby, config=deep), Attempt()) is not None
    assert steps == []


def test_without_its_data_set_a_process_is_not_warm(
    standby: Standby, steps: list[torch.Size], tmp_path: Path
) -> None:
    assert warm_up(dataclasses.replace(standby, store=tmp_path / "gone"), Attempt()) is None
    assert steps == []


def test_a_device_that_others_fill_is_left_to_them(
    standby: Standby,
    steps: list[torch.Size],
    new_study: NewStudy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "set_up", lambda *_: None)  # there need not be a GPU here
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (7 * 2**30, 16 * 2**30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "a GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    ready = warm_up(dataclasses.replace(standby, config=new_study(), device="cuda"), Attempt())
    assert ready is not None
    assert ready.decision is not None
    assert ready.decision.reasons == ("others fill cuda: nothing can be measured",)
    assert ready.decision.precision == "bfloat16"
    assert steps == []


def test_the_first_process_of_a_study_decides_how_a_step_is_computed(
    standby: Standby, steps: list[torch.Size], new_study: NewStudy
) -> None:
    open_study = dataclasses.replace(standby, config=new_study(training={"batch_size": 16}))
    first = warm_up(open_study, Attempt())
    assert (16, 1, 16, 16) in steps
    steps.clear()
    second = warm_up(open_study, Attempt())
    assert steps == [(2, 1, 16, 16)]
    assert first is not None
    assert second is not None
    assert first.decision == second.decision is not None
