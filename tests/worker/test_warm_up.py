from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from study.config.records import StudyConfig
from worker import warm_up as module
from worker.messages import Standby
from worker.training.learner import Learner
from worker.warm_up import warm_up

NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def standby(shapes_store: Path, new_study: NewStudy) -> Standby:
    threads = torch.get_num_threads()
    return Standby(store=shapes_store, config=new_study(), device="cpu", threads=threads)


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
    store = warm_up(standby)
    assert store is not None
    assert store.path == standby.store
    assert steps == [(2, 1, 16, 16)]


def test_a_study_as_written_that_cannot_train_is_no_reason_to_wait(
    standby: Standby, steps: list[torch.Size], new_study: NewStudy
) -> None:
    deep = new_study(model={"n_layers": 5, "n_filters": (2,) * 5, "kernel_sizes": (3,) * 5})
    assert warm_up(dataclasses.replace(standby, config=deep)) is not None
    assert steps == []


def test_without_its_data_set_a_process_is_not_warm(
    standby: Standby, steps: list[torch.Size], tmp_path: Path
) -> None:
    assert warm_up(dataclasses.replace(standby, store=tmp_path / "gone")) is None
    assert steps == []


def test_a_device_that_others_fill_is_left_to_them(
    standby: Standby, steps: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "set_up", lambda *_: None)  # there need not be a GPU here
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (7 * 2**30, 16 * 2**30))
    assert warm_up(dataclasses.replace(standby, device="cuda")) is not None
    assert steps == []
