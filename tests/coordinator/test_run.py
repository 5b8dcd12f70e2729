"""The loop over a real PostgreSQL and real processes; a small program stands in for the worker: it
claims and ends trials, and trains nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from sqlalchemy import text

from coordinator import run as module
from coordinator import worker_program
from coordinator.backends.local import LocalBackend
from coordinator.leadership import Leadership
from coordinator.run import Run
from coordinator.snapshot import Snapshot
from study import exit_codes, paths
from study.errors import StudyNotFound
from study.progress import observe
from study.registry import RegisteredStudy, Registry
from tests.eventually import eventually

WORKER = """
import os, signal, sys, time
mode = os.environ["MODE"]
if mode == "crash":
    sys.exit("out of luck")
if mode == "usage":
    print("hpo-worker: no such pictures", file=sys.stderr)
    sys.exit(2)
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.opening import open_registry
registry, _ = open_registry()
study = registry.find(os.environ["HPO_STUDY"])
ledger = Ledger(registry.engine, study.study_id, os.environ["HPO_WORKER"])
stay = mode == "stubborn"
signal.signal(signal.SIGTERM, signal.SIG_IGN if stay else lambda *_: sys.exit(143))
while True:
    claimed = ledger.claim(holding=[])
    if claimed is NoTrial.DONE:
        time.sleep(1.0 if mode == "slow" else 0.0)
        sys.exit(0)
    if claimed is NoTrial.STOPPED:
        sys.exit(143)
    if isinstance(claimed, Lease):
        print("trial", claimed.number, flush=True)
        if stay or (mode == "hang" and claimed.adopted_from is None):
            signal.pause()
        half = Intermediate(0, 0.5)
        ledger.report(claimed, epoch=0, intermediate=half, metrics={"accuracy": 0.5})
        ledger.finish(claimed, Outcome.COMPLETE, value=0.5)
"""

LIVING = ("training", "starting", "waiting")


class Recorder:
    """A View that keeps what it is told, and may react."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.on_show: Callable[[Snapshot], None] = lambda *_: None
        self.on_note: Callable[[], None] = lambda: None

    def show(self, snapshot: Snapshot) -> None:
        self.on_show(snapshot)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.on_note()


@pytest.fixture
def view() -> Recorder:
    return Recorder()


MakeRun = Callable[..., Run]


@pytest.fixture
def make(
    registry: Registry,
    study: RegisteredStudy,
    view: Recorder,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> MakeRun:
    monkeypatch.setattr(module, "PERIOD", 0.05)
    program = home / "stand_in.py"
    program.write_text(textwrap.dedent(WORKER))

    def build(mode: str = "work") -> Run:
        backend = LocalBackend(
            paths.artifacts(study.name),
            [sys.executable, str(program)],
            {**worker_program.environment(registry.url, study.name), "MODE": mode},
            study.config.resources,
        )
        return Run(registry=registry, server=None, study=study, backend=backend, view=view)

    return build


def test_a_run_ends_with_exactly_the_trials_of_its_budget(
    make: MakeRun, registry: Registry, study: RegisteredStudy
) -> None:
    assert make().until_end().status == exit_codes.DONE
    progress = observe(registry, study)
    assert (progress.outcomes, progress.budget.begun) == ({"complete": 6}, 6)


def test_a_usage_error_of_a_worker_ends_the_run_with_its_words(make: MakeRun) -> None:
    run = make("usage")
    end = run.until_end()
    assert end.status == exit_codes.USAGE
    assert end.index is not None
    said = worker_program.error_in("\n".join(run.backend.last_lines(end.index, 9)))
    assert said == "no such pictures"


def test_workers_that_only_crash_are_given_up(make: MakeRun, study: RegisteredStudy) -> None:
    end = make("crash").until_end()
    assert end.status == exit_codes.FAILED
    assert end.index is not None
    log = paths.artifacts(study.name).worker_log(end.index).read_text()
    assert log.count("out of luck") == 3
    assert make().until_end().status == exit_codes.DONE  # asked again, their past is forgotten


def test_a_killed_workers_trial_is_adopted_long_before_its_lease_expires(
    make: MakeRun, registry: Registry, study: RegisteredStudy, view: Recorder
) -> None:
    killed: set[str] = set()

    def kill_holders(shown: Snapshot) -> None:
        holders = {trial.worker for trial in shown.running}
        for worker in shown.workers:
            if worker.name in holders - killed and len(killed) < 2:
                record = paths.artifacts(study.name).worker(worker.index)
                os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
                killed.add(worker.name)
                make_work()

    def make_work() -> None:
        run.backend = make().backend  # the next workers do not hang

    view.on_show = kill_holders
    run = make("hang")
    assert run.until_end().status == exit_codes.DONE
    assert killed
    assert observe(registry, study).outcomes == {"complete": 6}


def test_a_broken_database_session_does_not_end_a_run(
    make: MakeRun, registry: Registry, view: Recorder
) -> None:
    broken: list[str] = []

    def break_sessions(shown: Snapshot) -> None:
        if not broken and shown.ended:
            broken.append("all")
            with registry.engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks"
                        " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                    )
                )

    registry.scale("birds", 1)
    view.on_show = break_sessions
    assert make().until_end().status == exit_codes.DONE
    assert broken


def test_a_second_coordinator_watches_and_takes_over(
    make: MakeRun, registry: Registry, study: RegisteredStudy, view: Recorder
) -> None:
    with Leadership(registry.engine, study.study_id) as other:
        assert other.held()
        run = make()
        seen: list[int] = []

        def leave() -> None:
            seen.append(len(run.backend.observe()))
            if len(seen) == 3:
                other.__exit__(None, None, None)

        view.on_note = leave
        assert run.until_end().status == exit_codes.DONE
    assert seen == [0, 0, 0]
    assert observe(registry, study).outcomes == {"complete": 6}


def test_stopping_lets_workers_leave_and_the_study_can_go_on(
    make: MakeRun, registry: Registry, study: RegisteredStudy, view: Recorder
) -> None:
    run = make("hang")

    def interrupt(shown: Snapshot) -> None:
        if len(shown.running) == 2:
            raise KeyboardInterrupt

    view.on_show = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.until_end()
    shown: list[list[bool]] = []
    view.on_show = lambda now: shown.append([worker.state in LIVING for worker in now.workers])
    run.shut_down()
    assert shown == [[False, False]], "the last picture is of workers that have left"
    states = run.backend.observe()
    assert [(state.alive, state.exit_status) for state in states] == [(False, 143), (False, 143)]
    assert registry.find(study.name).stopped
    view.on_show = lambda _: None
    assert make().until_end().status == exit_codes.PREEMPTED
    registry.resume(study.config, workers=2)
    assert make().until_end().status == exit_codes.DONE
    assert observe(registry, study).outcomes == {"complete": 6}


def test_a_second_interrupt_kills_workers_that_do_not_leave(make: MakeRun, view: Recorder) -> None:
    run = make("stubborn")

    def interrupt(shown: Snapshot) -> None:
        if len(shown.running) == 2:
            raise KeyboardInterrupt

    def interrupt_again(*_: object) -> None:
        raise KeyboardInterrupt

    view.on_show = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.until_end()
    before = signal.signal(signal.SIGALRM, interrupt_again)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            run.shut_down()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert view.notes == [f"worker {index} did not leave and is killed" for index in (0, 1)]
    assert not any(state.alive for state in run.backend.observe())


def test_workers_of_a_study_that_is_done_leave_by_themselves(make: MakeRun) -> None:
    run = make("slow")
    assert run.until_end().status == exit_codes.DONE
    assert {state.exit_status for state in run.backend.observe()} == {exit_codes.DONE}


def test_workers_that_stay_when_a_study_is_over_are_killed(
    make: MakeRun, registry: Registry, view: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.5)

    def stop(shown: Snapshot) -> None:
        if len(shown.running) == 2 and shown.state == "open":
            registry.stop("birds")

    view.on_show = stop
    run = make("stubborn")
    assert run.until_end().status == exit_codes.PREEMPTED
    assert view.notes == [f"worker {index} did not leave and is killed" for index in (0, 1)]
    assert not any(state.alive for state in run.backend.observe())


def test_a_coordinator_that_only_watches_forgets_nothing(
    make: MakeRun, registry: Registry, study: RegisteredStudy, view: Recorder
) -> None:
    make("crash").until_end()
    with Leadership(registry.engine, study.study_id) as other:
        eventually("the server gives the lock of the run before up", other.held)
        run = make()
        crashed = run.backend.observe()
        assert crashed

        def stop() -> None:
            registry.stop("birds")

        view.on_note = stop
        assert run.until_end().status == exit_codes.PREEMPTED
        assert run.backend.observe() == crashed


def test_the_workers_of_a_deleted_study_are_gone_when_the_run_ends(
    make: MakeRun, registry: Registry, study: RegisteredStudy, view: Recorder
) -> None:
    def delete(shown: Snapshot) -> None:
        if len(shown.running) == 2:
            optuna.delete_study(study_name=study.name, storage=registry.storage)

    view.on_show = delete
    run = make("hang")
    with pytest.raises(StudyNotFound, match="no study 'birds'"):
        run.until_end()
    states = run.backend.observe()
    assert [(state.alive, state.exit_status) for state in states] == [(False, 143), (False, 143)]
