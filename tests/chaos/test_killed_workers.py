"""Workers are killed; no trial is lost, none is run twice, nobody writes late."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from optuna.trial import TrialState
from sqlalchemy import text

from study import exit_codes
from study.paths import MANIFEST, DataPaths
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually

MakeFarm = Callable[..., Farm]


def test_a_sigkilled_workers_trial_goes_on_elsewhere_within_the_lease_time(farm: MakeFarm) -> None:
    lease_seconds = 4.0
    study = farm(trials=1, epochs=300, lease_seconds=lease_seconds)
    (first,) = study.start()
    eventually("five epochs", lambda: study.epochs_reported() >= 5)
    (second,) = study.start()
    # resource tracker, fork server and, once that has imported torch, the process that stands by
    eventually("the second stands by", lambda: len(study.descendants(second)) >= 3)
    before = study.observe().running[0]
    os.kill(first.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    eventually(
        "the trial is adopted",
        lambda: any(trial.worker == "worker-1" for trial in study.observe().running),
    )
    noticed_after = time.monotonic() - killed_at
    adopted = study.observe().running[0]
    assert adopted.number == before.number
    assert adopted.epoch is not None
    assert before.epoch is not None
    assert adopted.epoch >= before.epoch
    assert noticed_after < lease_seconds + AT_ONCE
    study.await_done()
    (trial,) = study.registry.optuna_study(study.study).trials
    assert sorted(trial.intermediate_values) == list(range(300))
    resumed = [line for line in study.log(1).splitlines() if "epoch" in line]
    first_epoch = min(int(line.split("epoch ")[1].split(":")[0]) for line in resumed)
    assert first_epoch >= before.epoch, "it went on from its last checkpoint"


def test_four_workers_two_sigkills_and_exactly_twenty_trials(farm: MakeFarm) -> None:
    study = farm(trials=20, epochs=6, lease_seconds=3.0)
    workers = study.start(4)
    for victim in workers[:2]:
        held = f"worker-{workers.index(victim)}"
        eventually(
            f"{held} is in the middle of a trial",
            lambda held=held: any(  # type: ignore[misc]
                trial.worker == held and trial.epoch is not None
                for trial in study.observe().running
            ),
        )
        os.kill(victim.pid, signal.SIGKILL)
    study.await_done()
    for worker in workers[2:]:
        assert worker.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert [trial.number for trial in trials] == list(range(20))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert all(sorted(trial.intermediate_values) == list(range(6)) for trial in trials)
    with study.registry.engine.connect() as connection:
        late = connection.execute(
            text(
                "SELECT count(*) FROM ledger.epoch a JOIN ledger.epoch b USING (trial_id)"
                " WHERE a.token < b.token AND a.reported_at > b.reported_at"
            )
        )
        assert late.scalar_one() == 0


def test_sigterm_checkpoints_releases_and_exits_143_within_seconds(farm: MakeFarm) -> None:
    study = farm(trials=1, epochs=200, lease_seconds=60.0)
    (worker,) = study.start()
    eventually("two epochs", lambda: study.epochs_reported() >= 2)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(AT_ONCE) == exit_codes.PREEMPTED
    (trial,) = study.observe().running
    assert trial.released
    study.start()
    eventually("the trial goes on", lambda: "trial 0: epoch" in study.log(1))
    (trial,) = study.observe().running
    assert (trial.number, trial.worker) == (0, "worker-1")


def test_children_do_not_outlive_a_killed_supervisor(farm: MakeFarm) -> None:
    study = farm(trials=1, epochs=200)
    (worker,) = study.start()
    eventually("an epoch", lambda: study.epochs_reported() >= 1)
    family = study.descendants(worker)
    assert len(family) >= 2
    os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=AT_ONCE)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_a_killed_trial_process_is_no_killed_trial(farm: MakeFarm) -> None:
    study = farm(trials=1, epochs=40)
    (worker,) = study.start()
    eventually("three epochs", lambda: study.epochs_reported() >= 3)
    trial_processes = [
        process for process in study.descendants(worker) if process.cpu_times().user > 0.05
    ]
    busiest = max(trial_processes, key=lambda process: process.create_time())
    for process in trial_processes:
        if process.ppid() != worker.pid:
            process.kill()
    assert busiest.pid != worker.pid
    study.await_done()
    assert worker.wait(AT_ONCE) == exit_codes.DONE
    (trial,) = study.registry.optuna_study(study.study).trials
    assert trial.state == TrialState.COMPLETE
    assert sorted(trial.intermediate_values) == list(range(40))


def test_a_stopped_worker_that_wakes_up_late_writes_nothing(farm: MakeFarm) -> None:
    """The worst kind: not dead, only asleep for longer than its lease."""
    study = farm(trials=1, epochs=60, lease_seconds=2.0)
    (sleeper,) = study.start()
    eventually("three epochs", lambda: study.epochs_reported() >= 3)
    os.kill(sleeper.pid, signal.SIGSTOP)
    study.start()
    eventually(
        "another adopts",
        lambda: any(trial.worker == "worker-1" for trial in study.observe().running),
    )
    os.kill(sleeper.pid, signal.SIGCONT)
    study.await_done()
    eventually("the sleeper noticed", lambda: "dropped" in study.log(0))
    with study.registry.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT worker, token, epoch FROM ledger.epoch ORDER BY epoch")
        ).all()
    assert [row.epoch for row in rows] == list(range(60))
    tokens = [row.token for row in rows]
    assert tokens == sorted(tokens)
    assert rows[-1].worker == "worker-1"


def test_a_worker_whose_pictures_are_gone_claims_nothing_and_exits_2(
    farm: MakeFarm, tmp_path: Path
) -> None:
    study = farm(trials=1, epochs=2)
    study.environment |= {"HPO_DATA": str(tmp_path / "nothing-here"), "HPO_DATA_PATIENCE": "0.5"}
    (worker,) = study.start()
    assert worker.wait(60) == exit_codes.USAGE
    last = study.log(0).splitlines()[-1]
    assert last.startswith("hpo-worker: ")
    assert "there is no packed data set after 0 s: make it with `hpo-worker prepare" in last
    assert study.observe().budget.begun == 0


def test_a_worker_whose_pictures_are_damaged_gives_its_trial_back_and_exits_2(
    farm: MakeFarm, tmp_path: Path
) -> None:
    study = farm(trials=1, epochs=2)
    damaged, whole = (
        DataPaths(root).store(study.study.store)
        for root in (tmp_path / "damaged", Path(study.environment["HPO_DATA"]))
    )
    damaged.mkdir(parents=True)
    shutil.copy(whole / MANIFEST, damaged)
    study.environment["HPO_DATA"] = str(tmp_path / "damaged")
    (worker,) = study.start()
    assert worker.wait(60) == exit_codes.USAGE
    last = study.log(0).splitlines()[-1]
    assert last.startswith("hpo-worker: ")
    assert "missing from the packed data set" in last
    (trial,) = study.observe().running
    assert trial.released


def test_a_pod_that_trains_is_ready_and_says_what_it_trains(farm: MakeFarm) -> None:
    study = farm(trials=1, epochs=200)
    study.environment["HPO_HEALTH_PORT"] = "0"
    (worker,) = study.start()
    eventually("it is ready", lambda: study.health(0, "/readyz")[0] == 200)
    eventually(
        "it trains on",
        lambda: (study.health(0, "/healthz")[1]["trials"] or [{"epoch": None}])[0]["epoch"],
    )
    status, said = study.health(0, "/healthz")
    assert (status, said["state"], said["worker"]) == (200, "trains", "worker-0")
    assert said["trials"][0]["number"] == 0
    assert said["seconds_since_turn"] < 60
    assert worker.poll() is None


def test_a_worker_killed_while_one_trial_is_written_and_the_next_one_trains_loses_neither(
    farm: MakeFarm,
) -> None:
    study = farm(trials=3, epochs=1, lease_seconds=2.0)
    with study.registry.engine.connect() as holder:
        holder.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        (first,) = study.start()
        eventually("a trial is begun", lambda: study.observe().running)
        holder.execute(text("SELECT FROM ledger.lease FOR UPDATE"))  # its report waits for this
        eventually("so is the next one", lambda: len(study.observe().running) == 2)
        assert {trial.worker for trial in study.observe().running} == {"worker-0"}
        os.kill(first.pid, signal.SIGKILL)
    study.start()
    study.await_done()
    trials = study.registry.optuna_study(study.study).trials
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert all(sorted(trial.intermediate_values) == [0] for trial in trials)
