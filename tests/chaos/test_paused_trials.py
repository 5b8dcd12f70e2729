"""Workers that pause and promote are killed; no trial is lost, none trains an epoch twice."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

from optuna.trial import TrialState

from study import exit_codes
from study.paths import StudyPaths
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually

MakeFarm = Callable[..., Farm]
EPOCHS = 6
PRUNER = {"name": "asha", "min_epochs": 1, "reduction_factor": 2}  # rungs at 1, 2 and 4 epochs


def test_trials_are_paused_and_promoted_from_their_checkpoints_though_workers_are_killed(
    farm: MakeFarm,
) -> None:
    study = farm(trials=9, epochs=EPOCHS, lease_seconds=3.0, pruner=PRUNER)
    first, second = study.start(2)
    eventually("one is paused", lambda: study.observe().budget.paused >= 1)
    os.kill(first.pid, signal.SIGKILL)
    eventually("one is promoted", lambda: "promoted" in study.log(1))
    (third,) = study.start()
    os.kill(second.pid, signal.SIGKILL)
    study.await_done()
    assert third.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert [trial.number for trial in trials] == list(range(9))
    states = {trial.state for trial in trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in trials:
        assert sorted(trial.intermediate_values) == list(range(len(trial.intermediate_values)))
        ended_at_a_rung = len(trial.intermediate_values) in (1, 2, 4, EPOCHS)
        assert ended_at_a_rung
        assert (trial.state is TrialState.COMPLETE) == (len(trial.intermediate_values) == EPOCHS)
    went_on = re.findall(r"trial (\d+): promoted.*?trial \1: epoch (\d+)", study.log(2), re.DOTALL)
    assert went_on
    assert all(int(epoch) in (1, 2, 4) for _, epoch in went_on), "none begins anew"


def test_what_a_trial_that_is_never_promoted_leaves_is_its_best_weights(farm: MakeFarm) -> None:
    study = farm(trials=3, epochs=3, pruner={**PRUNER, "reduction_factor": 3})
    (worker,) = study.start()
    study.await_done()
    assert worker.wait(AT_ONCE) == exit_codes.DONE
    assert study.observe().outcomes == {"complete": 1, "pruned": 2}
    artifacts = StudyPaths(study.logs / "artifacts" / "chaos")
    left = [
        sorted(re.sub(r"-.*", "", file.name) for file in artifacts.trial(number).glob("*.pt"))
        for number in range(3)
    ]
    assert left == [["best"]] * 3
