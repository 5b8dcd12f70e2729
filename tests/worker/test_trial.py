from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.worker.trial_process import Assign, Child, assign, child, server_with_torch
from worker.messages import (
    EpochDone,
    Event,
    Finished,
    FirstStep,
    Interrupted,
    Prune,
    Stop,
    Trained,
)
from worker.models.weights import load_weights

__all__ = ["assign", "child", "server_with_torch"]  # fixtures


def numbers(events: list[Event]) -> dict[int, tuple[float, float, float]]:
    """What must be the same to the last bit."""
    return {
        event.epoch: (event.value, event.metrics["loss"], event.metrics["train_loss"])
        for event in events
        if isinstance(event, EpochDone)
    }


def test_an_assignment_is_trained_to_its_end(child: Callable[[], Child], assign: Assign) -> None:
    trial, assignment = child(), assign()
    trial.pipe.send(assignment)
    events = trial.converse()

    assert [type(event) for event in events] == [FirstStep, EpochDone, Trained, EpochDone, Finished]
    trained, finished = events[2], events[-1]
    assert isinstance(trained, Trained)
    assert isinstance(finished, Finished)
    assert (trained.value, trained.last_step_at) == (finished.value, finished.last_step_at)
    assert not finished.pruned
    assert finished.value == max(value for value, _, _ in numbers(events).values()) > 0.8
    assert load_weights(assignment.directory / finished.weights).meta["value"] == finished.value
    for event in (events[1], events[3]):
        assert isinstance(event, EpochDone)
        assert (assignment.directory / event.checkpoint).exists()
    assert list((assignment.directory / "events").iterdir())
    result = json.loads((assignment.directory / "result.json").read_text())
    assert result["metrics"]["accuracy"] == finished.value
    assert sum(map(sum, result["confusion"])) == 27  # all of the validation split
    assert trial.exit_status() == 0
    assert {"curves.png", "confusion.png", "result.json"} <= set(finished.attached)
    for name in finished.attached:
        assert (assignment.directory / name).stat().st_size


def test_an_adopted_trial_with_nothing_left_to_train_leaves_its_result(
    child: Callable[[], Child], assign: Assign, tmp_path: Path
) -> None:
    first = child()
    first.pipe.send(assign())
    first.converse()[-1]
    assert first.exit_status() == 0
    expected = (tmp_path / "trial" / "result.json").read_bytes()
    (tmp_path / "trial" / "result.json").unlink()

    second = child()
    second.pipe.send(assign(token=2, last_epoch=1))
    assert isinstance(second.hear(), Finished)
    assert (tmp_path / "trial" / "result.json").read_bytes() == expected


def test_stopped_and_resumed_in_another_process_the_numbers_are_the_same_to_the_last_bit(
    child: Callable[[], Child], assign: Assign, tmp_path: Path
) -> None:
    undisturbed = child()
    undisturbed.pipe.send(assign(directory=tmp_path / "undisturbed"))
    expected = undisturbed.converse()

    first = child()
    first.pipe.send(assign(token=1))
    assert isinstance(first.hear(), FirstStep)
    first.pipe.send(Stop())
    (stopped,) = first.converse()
    assert isinstance(stopped, Interrupted)
    assert stopped.checkpoint is not None
    assert (tmp_path / "trial" / stopped.checkpoint).exists()
    assert first.exit_status() == 0

    second = child()
    second.pipe.send(assign(token=2))
    resumed = second.converse()
    assert numbers(resumed) == numbers(expected)
    theirs, ours = expected[-1], resumed[-1]
    assert isinstance(theirs, Finished)
    assert isinstance(ours, Finished)
    torch.testing.assert_close(
        dict(load_weights(tmp_path / "trial" / ours.weights).state),
        dict(load_weights(tmp_path / "undisturbed" / theirs.weights).state),
        rtol=0,
        atol=0,
    )


def test_a_result_that_the_ledger_lacks_is_sent_again_before_any_step(
    child: Callable[[], Child], assign: Assign
) -> None:
    first = child()
    first.pipe.send(assign())
    assert isinstance(first.hear(), FirstStep)
    unheard = first.hear()
    first.process.kill()

    second = child()
    second.pipe.send(assign(last_epoch=None, token=2))
    assert second.hear() == unheard
    second.process.kill()

    third = child()
    third.pipe.send(assign(last_epoch=0, token=3))
    assert [type(event) for event in third.converse()] == [FirstStep, Trained, EpochDone, Finished]


def test_a_pruned_trial_delivers_its_best_epoch(
    child: Callable[[], Child], assign: Assign, tmp_path: Path
) -> None:
    trial = child()
    trial.pipe.send(assign())
    *_, done, finished = trial.converse(Prune)
    assert isinstance(done, EpochDone)
    assert isinstance(finished, Finished)
    assert finished.pruned
    assert finished.attached == ()
    assert (finished.best_epoch, finished.value) == (0, done.value)
    assert (tmp_path / "trial" / finished.weights).exists()


def test_a_stop_while_the_verdict_is_waited_for_leaves_with_the_epoch_and_what_came_after(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    trial.pipe.send(assign())
    done = trial.converse(Stop)[-2:]
    assert isinstance(done[0], EpochDone)
    stopped = done[1]
    assert isinstance(stopped, Interrupted)
    assert stopped.checkpoint is not None
    assert stopped.checkpoint.startswith("checkpoint-0001-00001-")
    assert stopped.value == done[0].value


def test_figures_are_drawn_once_the_supervisor_has_time_for_them(
    child: Callable[[], Child], assign: Assign, tmp_path: Path
) -> None:
    trial = child()
    trial.pipe.send(assign())
    finished = trial.converse()[-1]
    assert isinstance(finished, Finished)
    assert "curves.png" in finished.attached
    assert (tmp_path / "trial" / "result.json").exists()
    time.sleep(0.5)  # nothing tells of a thing that does not happen
    assert not (tmp_path / "trial" / "curves.png").exists()
    assert trial.exit_status() == 0
    assert (tmp_path / "trial" / "curves.png").exists()


def test_a_warm_process_leaves_when_told(child: Callable[[], Child]) -> None:
    trial = child()
    trial.pipe.send(Stop())
    assert trial.hear() == Interrupted(checkpoint=None, value=None, weights=None)
    assert trial.exit_status() == 0


@pytest.mark.parametrize("moment", ["warm", "training", "waiting for a verdict"])
def test_a_process_ends_with_its_supervisor(
    child: Callable[[], Child], assign: Assign, moment: str
) -> None:
    trial = child()
    if moment != "warm":
        trial.pipe.send(assign(training={"epochs": 1000}))
        assert isinstance(trial.hear(), FirstStep)
    if moment == "waiting for a verdict":
        assert isinstance(trial.hear(), EpochDone)
    trial.pipe.close()
    trial.exit_status()


def test_a_batch_in_parts_with_weighted_classes_trains_as_well(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    training = {"class_weights": "inverse", "label_smoothing": 0.1, "batch_size": 8}
    trial.pipe.send(assign(training=training, accumulation=4))
    finished = trial.converse()[-1]
    assert isinstance(finished, Finished)
    assert finished.value > 0.5


def test_a_trial_with_blended_pictures_of_balanced_classes_trains_as_well(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    training = {
        **{"loss": "focal", "class_weights": "effective_number", "sampling": "balanced"},
        **{"batch_size": 8, "augmentation": {"rotation": 5, "contrast": 0.2, "mixup_alpha": 0.2}},
    }
    trial.pipe.send(assign(training=training, accumulation=2))
    finished = trial.converse()[-1]
    assert isinstance(finished, Finished)
    assert finished.value > 0.5


def test_signals_to_the_whole_group_do_not_end_a_trial(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    trial.pipe.send(assign())
    assert isinstance(trial.hear(), FirstStep)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(trial.process.pid or 0, number)
    assert isinstance(trial.converse()[-1], Finished)


def test_importing_the_trial_starts_no_thread_and_no_device() -> None:
    program = (
        "import os, worker.trial, torch;"
        "print(len(os.listdir('/proc/self/task')), torch.cuda.is_initialized())"
    )
    environment = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == ["1", "False"]
