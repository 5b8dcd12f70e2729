"""A rehearsal measures the trial in the middle of a space, without data and without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from study.config.records import StudyConfig
from study.errors import HpoError, UsageError
from worker import rehearse as module
from worker.rehearse import rehearse

NewStudy = Callable[..., StudyConfig]


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("WARM_SECONDS", "TRAIN_SECONDS", "VALIDATE_SECONDS"):
        monkeypatch.setattr(module, name, 0.05)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def with_space(study: StudyConfig, **space: dict[str, Any]) -> StudyConfig:
    names = {name.replace("__", "."): parameter for name, parameter in space.items()}
    return StudyConfig.model_validate({**study.model_dump(), "space": names})


def test_a_rehearsal_says_what_a_planner_needs(new_study: NewStudy) -> None:
    study = with_space(
        new_study(), training__batch_size={"type": "categorical", "choices": [4, 8, 16]}
    )
    found = rehearse(study, device="cpu", threads=1)
    assert found["parameters"] == {"training.batch_size": 8}
    assert (found["batch_size"], found["parts"]) == (8, 1)
    assert found["device"] == "cpu, 1 thread"
    assert found["peak_memory_gib"] > 0
    expected = 700 / found["images_per_second"] + 150 / found["validation_images_per_second"]
    assert found["seconds_per_epoch_per_1000_pictures"] == pytest.approx(expected, rel=0.01)


def test_a_study_that_streams_is_rehearsed_without_files(new_study: NewStudy) -> None:
    study = new_study()
    data = study.data.model_copy(update={"source": "/nowhere", "loader": "torchvision"})
    streamed = study.model_copy(update={"data": data})
    assert rehearse(streamed, device="cpu", threads=1)["images_per_second"] > 0


def test_a_trial_that_does_not_fit_is_rehearsed_in_parts(
    new_study: NewStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = module.new_learner

    def in_small_memory(*what: Any, accumulation: int) -> Any:
        if accumulation < 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build(*what, accumulation=accumulation)

    monkeypatch.setattr(module, "new_learner", in_small_memory)
    study = new_study(training={"batch_size": 8})
    assert rehearse(study, device="cpu", threads=1)["parts"] == 4
    never = study.model_copy(
        update={"resources": study.resources.model_copy(update={"out_of_memory_retries": 1})}
    )
    with pytest.raises(HpoError, match="in the middle of the space: CUDA out of memory"):
        rehearse(never, device="cpu", threads=1)


def test_a_middle_that_cannot_be_built_is_an_error_of_the_configuration(
    new_study: NewStudy,
) -> None:
    deep = new_study(model={"n_layers": 6, "n_filters": [8] * 6, "kernel_sizes": [3] * 6})
    with pytest.raises(UsageError, match=r"the middle of the space: .*use at most 4 layers"):
        rehearse(deep, device="cpu", threads=1)
