"""Workers train several trials at once: as many as are best, or fewer than the study says where
memory does not suffice. No trial fails of it, and none is charged."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from optuna.trial import TrialState
from sqlalchemy import text

from study import exit_codes
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually

MakeFarm = Callable[..., Farm]


def charged(farm: Farm) -> list[tuple[int, int]]:
    """Attempts and memory retries of each trial."""
    with farm.registry.engine.connect() as connection:
        rows = connection.execute(text("SELECT attempts, memory_retries FROM ledger.lease"))
        return [(row.attempts, row.memory_retries) for row in rows]


def told(log: str) -> list[str]:
    """What a worker says of packing."""
    lines = [line.partition("packing: ")[2] for line in log.splitlines()]
    return [line for line in lines if line]


def test_out_of_memory_beside_others_makes_room_and_costs_the_trial_nothing(
    farm: MakeFarm, tmp_path: Path
) -> None:
    study = farm(trials=3, epochs=20, slots=3)
    study.program = (sys.executable, "-m", "tests.small_device", "run")
    study.environment["HPO_TEST_DEVICE"] = str(tmp_path / "device")
    (worker,) = study.start()
    study.await_done()
    assert worker.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert charged(study) == [(0, 0)] * 3
    rooms = [line.split(" at once")[0] for line in told(study.log(0))]
    assert rooms in (["at most 2"], ["at most 2", "at most 1"])  # the second if they met again


def test_a_trial_killed_beside_others_makes_room_and_is_no_lost_attempt(farm: MakeFarm) -> None:
    study = farm(trials=2, epochs=25, slots=2)
    (worker,) = study.start()
    eventually("both train", lambda: len(reporting(study)) == 2)
    forked = [each for each in study.descendants(worker) if each.ppid() != worker.pid]
    min(forked, key=lambda process: process.create_time()).kill()  # that of the first trial
    study.await_done()
    assert worker.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert [sorted(trial.intermediate_values) for trial in trials] == [list(range(25))] * 2
    assert charged(study) == [(0, 0)] * 2
    assert "at most 1 at once from now on: trial 0" in study.log(0)
    assert "trial 1: given back" not in study.log(0)


def reporting(farm: Farm) -> set[int]:
    """Numbers of the trials that have reported an epoch."""
    return {trial.number for trial in farm.observe().running if trial.epoch is not None}


BRIEFLY = """
from worker.cli import main
from worker.packing import together
together.WARM_SECONDS, together.TRAIN_SECONDS = 1.0, 0.2
main()
"""


def test_a_worker_told_to_leave_while_it_measures_leaves_and_another_measures(
    farm: MakeFarm,
) -> None:
    study = farm(trials=2, epochs=2, slots="auto")
    study.environment["HPO_THREADS"] = "2"
    study.program = (sys.executable, "-c", BRIEFLY, "run")
    study.start(2)
    eventually(
        "one rehearses, the other waits", lambda: any(map(rehearses, (study.log(0), study.log(1))))
    )
    first = 0 if rehearses(study.log(0)) else 1
    leaving, staying = study.workers[first], study.workers[1 - first]
    family = study.descendants(leaving)
    leaving.send_signal(signal.SIGTERM)
    assert leaving.wait(AT_ONCE) == exit_codes.PREEMPTED
    _, alive = psutil.wait_procs(family, timeout=AT_ONCE)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    study.await_done()
    assert staying.wait(AT_ONCE) == exit_codes.DONE
    lines = told(study.log(1 - first))
    assert any(line.startswith(("1 at once, ", "2 at once, ")) for line in lines)
    assert charged(study) == [(0, 0)] * 2


def rehearses(log: str) -> bool:
    return "train pictures" in log
