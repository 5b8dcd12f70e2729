"""What a trial's process has imported, by real trials in processes as a worker forks them."""

from __future__ import annotations

import multiprocessing.forkserver
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
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
    Standby,
    Stop,
)
from worker.training.optimizer import plain
from worker.trial_processes import TrialProcess

NewStudy = Callable[..., StudyConfig]
Train = Callable[..., tuple[list[Event], Any]]

COMPILER = ("torch._dynamo", "torch._inductor", "sympy")
PROGRAM = "import sys, worker.without_compiler\n"


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    """Of these tests alone: it imports what a worker's does."""
    multiprocessing.forkserver._forkserver._stop()
    yield
    multiprocessing.forkserver._forkserver._stop()


def _train_and_tell(pipe: Connection, standby: Standby, *, backend: str | None = None) -> None:
    """A trial's process that at its end says what it has imported. backend: of compiled steps,
    instead of one that would build kernels for a minute."""
    from worker.trial import main

    if backend is not None:
        from worker.training import forward

        forward.missing = lambda _device: None
        compile_with = torch.compile
        torch.compile = lambda function, **_: compile_with(function, backend=backend)
    main(pipe, standby)
    pipe.send([name for name in COMPILER if name in sys.modules])


@pytest.fixture
def train(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Train:
    """Trains a trial in a process of its own, the first leg of it where that is said; gives what it
    told and what of the compiler it had imported. Keywords go to the study's training."""

    def run(
        *, backend: str | None = None, leg: int | None = None, **training: Any
    ) -> tuple[list[Event], Any]:
        config = new_study(training={"batch_size": 32, "precision": "float32", **training})
        place = {"config": config, "store": shapes_store, "device": "cpu", "threads": 1}
        process = TrialProcess(
            Standby(artifacts=StudyPaths(tmp_path), **place),
            partial(_train_and_tell, backend=backend),
        )
        directory = tmp_path / str(training)
        process.send(Assignment(directory=directory, last_epoch=None, token=leg or 1, **place))
        told: list[Event] = []
        while not (told and isinstance(told[-1], Finished | Interrupted | Failed)):
            event = process.receive()
            assert event is not None
            told.append(event)
            if isinstance(event, FirstStep) and leg == 1:
                process.send(Stop())
            if isinstance(event, EpochDone):
                process.send(Continue())
        process.send(Dismiss())
        imported = process.receive()
        process.join()
        return told, imported

    return run


def test_a_trial_that_compiles_nothing_imports_no_compiler(train: Train) -> None:
    """Though it is left open whether to, and though it was stopped and went on."""
    stopped, imported = train(compile="auto", leg=1)
    assert (type(stopped[-1]), imported) == (Interrupted, [])
    finished, imported = train(compile="auto", leg=2)
    assert (type(finished[-1]), imported) == (Finished, [])


def test_a_compiled_trial_has_its_compiler_and_the_same_losses(train: Train) -> None:
    plainly, _ = train(compile="never")
    compiled, imported = train(compile="always", backend="aot_eager")
    assert imported == list(COMPILER)
    assert losses(compiled) == pytest.approx(losses(plainly), rel=1e-4)


def losses(told: list[Event]) -> list[float]:
    """Of the epochs, in training."""
    return [event.metrics["train_loss"] for event in told if isinstance(event, EpochDone)]


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_an_optimizer_without_the_compiler_s_wrappers_is_the_one_it_is_made_of(
    kind: type[torch.optim.Optimizer],
) -> None:
    found = []
    for made in (kind, plain(kind)):
        weights = [torch.arange(6.0, requires_grad=True)]
        groups = [{"params": weights, "weight_decay": 0.1, "rate": 0.5}]
        optimizer = made(groups, lr=0.1, fused=True)  # type: ignore[call-arg]
        for _ in range(2):
            (weights[0] ** 2).sum().backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            optimizer.load_state_dict(optimizer.state_dict())
        found.append((weights[0], optimizer.state_dict()))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def test_what_torchvision_keeps_of_the_compiler_works_when_it_is_called() -> None:
    program = """
import torch, torchvision
from torchvision import tv_tensors
box = torch.tensor([[0.0, 1, 1, 9, 9]])
pooled = torchvision.ops.roi_align(torch.ones(1, 1, 16, 16), box, 2)
image = tv_tensors.wrap(torch.ones(3), like=tv_tensors.Image(torch.ones(3, 4, 4)))
print(pooled.sum().item(), type(image).__name__)
"""
    assert printed(program) == "4.0 Image"


def test_more_that_is_asked_of_the_stand_in_is_the_compiler_s_own() -> None:
    """As another version of torchvision may."""
    program = """
from worker.without_compiler import ASKED, _StandIn
sys.modules[ASKED] = _StandIn(ASKED)
from torch._dynamo.utils import counters, is_compile_supported
print(counters is sys.modules[ASKED].counters, is_compile_supported("cpu") in (True, False))
"""
    assert printed(program) == "True True"


def printed(program: str) -> str:
    """By a process of its own."""
    command = [sys.executable, "-c", PROGRAM + program]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
