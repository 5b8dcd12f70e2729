"""Trials with folds and with a second objective in processes of their own, on real pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from study.config.augmentation import AugmentationConfig
from study.config.data import SplitConfig
from study.config.stage import StageConfig
from study.paths import DataPaths
from tests.worker.trial_process import Assign, Child, NewStudy, assign, child, server_with_torch
from worker.assigned import open_fold
from worker.data.prepare import prepare
from worker.data.store import Store
from worker.evaluation.measure import measure
from worker.messages import Assignment, Continue, EpochDone, Finished, FirstStep, Interrupted, Stop
from worker.models.weights import load_weights
from worker.tracking.narrator import FirstBatch, Narrator

__all__ = ["assign", "child", "server_with_torch"]  # fixtures


@pytest.fixture
def folded(assign: Assign, new_study: NewStudy, tmp_path: Path) -> Assignment:
    """Three folds of two stages with one epoch each."""
    config = new_study(
        training={"batch_size": 8, "stages": ({"epochs": 1}, {"epochs": 1, "resume": "best"})}
    )
    data = config.data.model_copy(update={"split": SplitConfig(folds=3)})
    pruner = config.search.pruner.model_copy(update={"name": "wilcoxon"})
    search = config.search.model_copy(update={"pruner": pruner})
    config = config.model_copy(update={"data": data, "search": search})
    store = prepare(data, DataPaths(tmp_path / "data"), processes=1, progress=lambda *_: None)
    return dataclasses.replace(assign(), config=config, store=store)


def test_a_trial_with_folds_is_worth_their_mean_and_keeps_the_one_in_the_middle(
    child: Callable[..., Child], folded: Assignment
) -> None:
    trial = child(folded.store)
    trial.pipe.send(folded)
    events = trial.converse()

    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [event.epoch for event in epochs] == list(range(6))
    ends = [event.intermediate for event in epochs]
    assert [end and end.step for end in ends] == [None, 0, None, 1, None, 2]
    values = sorted(end.value for end in ends if end is not None)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.value == pytest.approx(sum(values) / 3)
    weights = folded.directory / finished.weights
    again = measure(folded.config, folded.store, weights, "val", device="cpu", threads=1)
    assert again["accuracy"] == pytest.approx(values[1])  # on the fold it has not seen


def test_a_trial_that_was_stopped_in_a_fold_goes_on_there(
    child: Callable[..., Child], folded: Assignment, tmp_path: Path
) -> None:
    undisturbed = child(folded.store)
    undisturbed.pipe.send(dataclasses.replace(folded, directory=tmp_path / "undisturbed"))
    expected = undisturbed.converse()

    first = child(folded.store)
    first.pipe.send(folded)
    event = first.hear()
    epochs = []
    while len(epochs) < 3:
        if isinstance(event, EpochDone):
            epochs.append(event)
            first.pipe.send(Stop() if len(epochs) == 3 else Continue())
        event = first.hear()
    assert isinstance(event, Interrupted)

    second = child(folded.store)
    second.pipe.send(dataclasses.replace(folded, token=2, last_epoch=2))
    rest = second.converse()
    assert isinstance(rest[0], FirstStep)
    assert isinstance(rest[-1], Finished)
    told = [*epochs, *(event for event in rest if isinstance(event, EpochDone))]
    wanted = [event for event in expected if isinstance(event, EpochDone)]
    assert [(e.epoch, e.value, e.intermediate) for e in told] == [
        (e.epoch, e.value, e.intermediate) for e in wanted
    ]
    assert rest[-1].value == expected[-1].value  # type: ignore[union-attr]


def test_trackers_are_shown_pictures_as_the_first_stage_is_fed_them(folded: Assignment) -> None:
    shown: list[Tensor] = []

    class Looking(Narrator):
        def __init__(self) -> None: ...

        @contextmanager
        def watching(self, _: nn.Module, first_batch: FirstBatch) -> Iterator[None]:
            shown.append(first_batch(0)[0])
            yield

    plain = StageConfig(epochs=1, augmentation=AugmentationConfig(enabled=False), batch_size=3)
    training = folded.config.training.model_copy(update={"stages": (plain,)})
    config = folded.config.model_copy(update={"training": training})
    assignment, store = dataclasses.replace(folded, config=config), Store.open(folded.store)
    with open_fold(assignment, store, torch.device("cpu"), Looking(), 0) as fold:
        fed, _ = next(iter(fold.train.for_training(training.in_stages[0]).epoch(0)))
    torch.testing.assert_close(shown[0], fed, rtol=0, atol=0)


@pytest.mark.parametrize("second", ["parameters", "latency"])
def test_a_second_objective_is_measured_and_pruners_are_told_nothing(
    child: Callable[..., Child], assign: Assign, second: str
) -> None:
    assignment = assign(training={"epochs": 1, "batch_size": 8})
    search = assignment.config.search.model_copy(update={"second": second})
    config = assignment.config.model_copy(update={"search": search})
    trial = child(assignment.store)
    trial.pipe.send(dataclasses.replace(assignment, config=config))
    *_, epoch, finished = trial.converse()
    assert isinstance(epoch, EpochDone)
    assert epoch.intermediate is None
    assert isinstance(finished, Finished)
    assert finished.second is not None
    model = load_weights(assignment.directory / finished.weights).state
    learned = sum(tensor.numel() for name, tensor in model.items() if is_parameter(name))
    assert finished.second == learned if second == "parameters" else 0 < finished.second < 1000


def is_parameter(name: str) -> bool:
    """Not a buffer of batch normalisation."""
    return name.rpartition(".")[2] in ("weight", "bias")
