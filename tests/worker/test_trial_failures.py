"""A trial's process that cannot go on."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.trial_process import Assign, Child, assign, child, server_with_torch
from worker.messages import (
    Continue,
    EpochDone,
    Failed,
    Finished,
    FirstStep,
    Trained,
)

__all__ = ["assign", "child", "server_with_torch"]  # fixtures


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


def limit_process(trial: Child, kind: int, value: int) -> None:
    pid = trial.process.pid
    assert pid is not None
    _, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (value, hard))
