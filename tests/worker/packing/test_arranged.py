"""Room before the first trial, where nothing has to be measured."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker.messages import Standby
from worker.packing import arranged as module
from worker.packing.arranged import arranged

NewStudy = Callable[..., StudyConfig]
Slots = int | str


@pytest.fixture(autouse=True)
def sigterm() -> Iterator[None]:
    """As it was before the test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def room(study: StudyConfig, slots: Slots, device: str = "cpu") -> tuple[int, int]:
    """Slots and threads of each, of a worker that has six threads."""
    resources = study.resources.model_copy(update={"slots_per_device": slots})
    config = study.model_copy(update={"resources": resources})
    nowhere = Path("none")
    standby = Standby(
        store=nowhere, artifacts=StudyPaths(nowhere), config=config, device=device, threads=6
    )
    with arranged(standby, lambda: None) as found:
        return found.slots, found.threads


@pytest.mark.parametrize("slots", [1, 4])
def test_a_number_that_is_given_is_taken_and_its_threads_are_of_each(
    slots: int, new_study: NewStudy
) -> None:
    assert room(new_study(), slots) == (slots, 6)


@pytest.mark.parametrize("slots", [4, "auto"])
def test_a_gpu_that_takes_one_process_has_room_for_one(
    slots: Slots, new_study: NewStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def exclusive(_device: str) -> Iterator[str]:
        yield "exclusive"

    monkeypatch.setattr(module, "shared", exclusive)
    assert room(new_study(), slots, "cuda:0") == (1, 6)
