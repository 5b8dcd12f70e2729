from __future__ import annotations

import dataclasses
import json
import multiprocessing
import multiprocessing.forkserver
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest
import torch

from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker.messages import (
    Assignment,
    Continue,
    Dismiss,
    EpochDone,
    Event,
    Failed,
    Finished,
    FirstStep,
    Interrupted,
    Prune,
    Standby,
    Stop,
    Trained,
    Warm,
)
from worker.models.weights import load_weights
from worker.trial import main

PATIENCE = 60.0  # seconds a message may take on a busy machine

NewStudy = Callable[..., StudyConfig]
Assign = Callable[..., Assignment]


@pytest.fixture(scope="module", autouse=True)
def _server_with_torch() -> None:
    """The next fork is from a new server: one that an earlier module left has no torch imported,
    and each trial would take seconds to do so."""
    multiprocessing.forkserver._forkserver._stop()


class Child:
    """A trial's process, forked from a server with torch imported, and the supervisor's end."""

    def __init__(self, standby: Standby) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["worker.trial"])
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=main, args=(theirs, standby), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self) -> Event:
        assert self.pipe.poll(PATIENCE), "the trial said nothing"
        event: Event = self.pipe.recv()
        return self.hear() if isinstance(event, Warm) else event

    def converse(self, verdict: Any = Continue) -> list[Event]:
        """Answers every epoch until the last event."""
        events = [self.hear()]
        while isinstance(events[-1], EpochDone | FirstStep | Trained):
            if isinstance(events[-1], EpochDone):
                self.pipe.send(verdict())
            events.append(self.hear())
        return events

    def exit_status(self) -> int | None:
        """Of a process that has said its last word, or whose supervisor is gone."""
        if not self.pipe.closed:
            self.pipe.send(Dismiss())
        assert wait([self.process.sentinel], PATIENCE), "the process is still there"
        self.process.join()
        return self.process.exitcode


@pytest.fixture
def child(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Iterator[Callable[[], Child]]:
    """Starts processes; none is left."""
    children: list[Child] = []

    def start(store: Path = shapes_store) -> Child:
        standby = Standby(
            store=store,
            artifacts=StudyPaths(tmp_path / "artifacts"),
            config=new_study(),
            device="cpu",
            threads=1,
        )
        children.append(Child(standby))
        return children[-1]

    yield start
    for started in children:
        started.process.kill()
        started.process.join()
        started.pipe.close()


@pytest.fixture
def assign(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Assign:
    """Builds assignments; keywords change them, or the study they are of."""

    def build(*, model: Any = None, training: Any = None, **changes: Any) -> Assignment:
        assignment = Assignment(
            config=new_study(model=model, training=training),
            store=shapes_store,
            directory=tmp_path / "trial",
            device="cpu",
            threads=1,
            last_epoch=None,
        )
        return dataclasses.replace(assignment, **changes)

    return build


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


@pytest.mark.parametrize(
    ("changes", "failure", "reason"),
    [
        ({"model": {"n_layers": 5, "n_filters": (2,) * 5, "kernel_sizes": (3,) * 5}},
         "Infeasible", "image_size=16"),
        ({"training": {"learning_rate": 1e30, "gradient_clip": None, "optimizer": "sgd"}},
         "Diverged", "must stay finite"),
        ({"store": Path("/nowhere/store")}, "BadData", "/nowhere/store"),
        ({"device": "cuda:99"}, "BrokenDevice", ""),
        ({"device": "abacus"}, "bug", "abacus"),
    ],
)  # fmt: skip
def test_a_trial_that_cannot_go_on_says_why(
    child: Callable[[], Child], assign: Assign, changes: dict[str, Any], failure: str, reason: str
) -> None:
    trial = child()
    trial.pipe.send(assign(**changes))
    failed = trial.converse()[-1]
    assert isinstance(failed, Failed)
    assert failed.failure == failure
    assert reason in failed.reason
    assert "Traceback" in failed.traceback
    assert trial.exit_status() == 0


def test_a_full_disk_fails_the_trial_and_the_previous_checkpoint_still_loads(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    trial.pipe.send(assign())
    assert isinstance(trial.hear(), FirstStep)
    assert isinstance(trial.hear(), EpochDone)
    limit_process(trial, resource.RLIMIT_FSIZE, 1000)
    trial.pipe.send(Continue())
    assert isinstance(trial.hear(), Trained)
    failed = trial.hear()
    assert isinstance(failed, Failed)
    assert failed.failure == "bug"
    assert failed.reason.startswith("disk full")

    second = child()
    second.pipe.send(assign(last_epoch=0, token=2))
    assert [type(event) for event in second.converse()] == [FirstStep, Trained, EpochDone, Finished]


def test_a_model_that_does_not_fit_into_memory_is_out_of_memory(
    child: Callable[[], Child], assign: Assign
) -> None:
    trial = child()
    pages = int(Path(f"/proc/{trial.process.pid}/statm").read_text().split()[0])
    limit_process(trial, resource.RLIMIT_AS, pages * resource.getpagesize() + 2**30)
    trial.pipe.send(assign(model={"n_layers": 1, "n_filters": (2048,), "fc_size": 8192}))
    failed = trial.converse()[-1]
    assert isinstance(failed, Failed)
    assert failed.failure == "OutOfMemory"


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


def limit_process(trial: Child, kind: int, value: int) -> None:
    pid = trial.process.pid
    assert pid is not None
    _, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (value, hard))
