"""A worker is told to leave before its trial has done a step: it does at once, and nothing is lost
by it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from study import exit_codes
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually
from worker.training.compiler import missing

MakeFarm = Callable[..., Farm]

CPU = torch.device("cpu")
ENDLESS = {"name": "tests.chaos.endless:Endless"}


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_stop_while_the_first_step_is_measured_or_done_is_obeyed_at_once(
    farm: MakeFarm, tmp_path: Path, precision: str
) -> None:
    """What is left open is measured; what is not is trained. No step ends."""
    compiles = "auto" if precision == "auto" else "never"
    training = {"batch_size": 8, "precision": precision, "compile": compiles}
    study = farm(trials=1, epochs=2, lease_seconds=60.0, model=ENDLESS, training=training)
    study.start()
    eventually("a step has begun", lambda: "an endless step" in study.log(0))
    eventually("a trial is held", lambda: len(study.observe().running) == 1)
    begun = tmp_path / "artifacts" / "chaos" / "steps"
    assert len(list(begun.glob("*.begun"))) == (precision == "auto")
    stopped(study)
    assert not list(begun.glob("*.begun")), "nobody takes it for dead"
    assert not list(begun.glob("*.json")), "the next one measures"


@pytest.mark.skipif(missing(CPU) is not None, reason=f"needs {missing(CPU)}")
def test_a_stop_while_the_first_step_is_compiled_is_obeyed_at_once(
    farm: MakeFarm, tmp_path: Path
) -> None:
    training = {"batch_size": 8, "precision": "float32", "compile": "always"}
    study = farm(trials=1, epochs=2, lease_seconds=60.0, training=training)
    study.start()
    compiled = tmp_path / "artifacts" / "chaos" / "compiled"
    eventually("the compiler is at work", lambda: any(compiled.rglob("*.cpp")))
    stopped(study)


def stopped(study: Farm) -> None:
    """Stops the worker in time; its trial is given back, and charged with nothing."""
    (worker,) = study.workers
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(AT_ONCE) == exit_codes.PREEMPTED
    (trial,) = study.observe().running
    assert (trial.released, trial.epoch) == (True, None)
    assert "trial 0: given back: stopped" in study.log(0)
