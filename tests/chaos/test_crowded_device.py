"""A device has memory for fewer trials than the study says: no trial fails, and none is charged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

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


def test_out_of_memory_beside_others_makes_room_and_costs_the_trial_nothing(
    farm: MakeFarm, tmp_path: Path
) -> None:
    study = farm(trials=3, epochs=20, slots=3)
    study.program = (sys.executable, "-m", "tests.small_device")
    study.environment["HPO_TEST_DEVICE"] = str(tmp_path / "device")
    (worker,) = study.start()
    study.await_done()
    assert worker.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert charged(study) == [(0, 0)] * 3
    told = [line.partition("packing: ")[2] for line in study.log(0).splitlines()]
    rooms = [line.split(" at once")[0] for line in told if line]
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
