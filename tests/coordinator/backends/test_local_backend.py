"""Real processes under the local back end; a small script stands in for the worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.backends import shares
from coordinator.backends.backend import WorkerState
from coordinator.backends.local import LocalBackend
from study.config.records import ResourcesConfig
from study.paths import StudyPaths

STAND_IN = """
import os, signal, sys, time
def leave(*_):
    print("leaving", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
print("hello from", os.environ["HPO_WORKER"], "threads", os.environ["HPO_THREADS"], flush=True)
mode = os.environ["MODE"]
if mode == "crash":
    print("the reason", file=sys.stderr)
    sys.exit(1)
if mode == "child":
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""


PAUSE = threading.Event()  # never set: its wait is the pause between two looks


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s until {what}"
        PAUSE.wait(0.01)


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "study")


MakeBackend = Callable[..., LocalBackend]


@pytest.fixture
def make(paths: StudyPaths, tmp_path: Path) -> Iterator[MakeBackend]:
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN))

    def build(mode: str = "wait", command: list[str] | None = None) -> LocalBackend:
        return LocalBackend(
            paths,
            command or [sys.executable, "-S", str(script)],
            {"MODE": mode},
            ResourcesConfig(cpu_threads=3),
        )

    yield build
    backend = build()

    def all_gone() -> bool:
        for state in backend.observe():
            backend.kill(state.index)
        return not any(state.alive for state in backend.observe())

    wait_for(all_gone, "every process of the test is gone")


def only(backend: LocalBackend) -> WorkerState:
    (state,) = backend.observe()
    return state


def wait_ready(backend: LocalBackend, index: int = 0) -> None:
    wait_for(lambda: "ready" in backend.last_lines(index, 1), "the worker is ready")


def wait_dead(backend: LocalBackend) -> WorkerState:
    wait_for(lambda: not only(backend).alive, "the worker is dead")
    return only(backend)


def test_a_started_worker_is_alive_at_once_and_gets_its_share(make: MakeBackend) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=2)
    state = only(backend)
    assert (state.index, state.alive, state.exit_status, state.crashes) == (0, True, None, 2)
    wait_ready(backend)
    assert backend.last_lines(0, 2)[0] == f"hello from {state.name} threads 3"


def test_a_stopped_worker_leaves_with_its_own_exit_status(make: MakeBackend) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.stop(0)
    backend.stop(0)
    assert wait_dead(backend).exit_status == 143
    assert [*backend.last_lines(0, 5)].count("leaving") == 1


def test_starting_a_living_worker_again_changes_nothing(make: MakeBackend) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    before = only(backend).name
    make().start(0, workers=1, crashes=0)
    assert only(backend).name == before


def test_a_coordinator_that_did_not_start_a_worker_sees_how_it_ended(make: MakeBackend) -> None:
    make("crash").start(0, workers=1, crashes=0)
    other = make()
    assert wait_dead(other).exit_status == 1
    assert other.last_lines(0, 1) == ["the reason"]


def test_a_worker_outlives_a_killed_coordinator(
    make: MakeBackend, paths: StudyPaths, tmp_path: Path
) -> None:
    script = f"""
import os, signal
from coordinator.backends.local import LocalBackend
from pathlib import Path
from study.config.records import ResourcesConfig
from study.paths import StudyPaths
command = [{sys.executable!r}, "-S", {str(tmp_path / "stand_in.py")!r}]
backend = LocalBackend(
    StudyPaths(Path({str(paths.root)!r})), command, {{"MODE": "wait"}}, ResourcesConfig()
)
backend.start(0, workers=1, crashes=0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    backend = make()
    wait_ready(backend)
    assert only(backend).alive
    backend.stop(0)
    assert wait_dead(backend).exit_status == 143


def test_the_signal_that_ended_a_worker_is_its_exit_status(
    make: MakeBackend, paths: StudyPaths
) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    os.kill(json.loads(paths.worker(0).read_text())["pid"], signal.SIGKILL)
    assert wait_dead(backend).exit_status == -signal.SIGKILL


def test_a_worker_that_was_killed_with_its_keeper_is_dead_without_a_status(
    make: MakeBackend,
) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.kill(0)
    assert wait_dead(backend).exit_status is None


def test_a_worker_whose_keeper_was_killed_lives_on(make: MakeBackend, paths: StudyPaths) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    os.kill(json.loads(paths.worker(0).read_text())["group"], signal.SIGKILL)
    assert only(backend).alive
    backend.stop(0)
    wait_dead(backend)


def test_what_a_dead_worker_left_behind_is_ended_before_the_next_starts(
    make: MakeBackend,
) -> None:
    backend = make("child")
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.stop(0)
    first = wait_dead(backend).name

    def started() -> bool:
        backend.start(0, workers=1, crashes=0)
        return only(backend).alive

    wait_for(started, "the next worker has started")
    assert only(backend).name != first


def test_a_pid_that_is_another_process_now_is_not_taken_for_the_worker(
    make: MakeBackend, paths: StudyPaths
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    paths.worker(0).parent.mkdir(parents=True)
    paths.worker_log(0).write_text("")
    record = {"name": "old", "crashes": 0, "pid": stranger.pid, "group": stranger.pid}
    paths.worker(0).write_text(json.dumps(record))
    backend = make()
    assert not only(backend).alive
    backend.stop(0)
    backend.kill(0)
    assert stranger.poll() is None
    stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_a_worker_that_never_ran_is_not_seen(make: MakeBackend, paths: StudyPaths) -> None:
    paths.worker(0).parent.mkdir(parents=True)
    paths.worker(0).write_text(json.dumps({"name": "never", "crashes": 0}))
    assert make().observe() == []


def test_a_command_that_cannot_be_run_ends_with_its_reason(make: MakeBackend) -> None:
    backend = make(command=["/no/such/program"])
    backend.start(0, workers=1, crashes=0)
    assert wait_dead(backend).exit_status == 127
    assert "/no/such/program" in backend.last_lines(0, 1)[0]


def test_forgetting_keeps_the_living(make: MakeBackend) -> None:
    backend = make()
    backend.start(0, workers=2, crashes=0)
    make("crash").start(1, workers=2, crashes=0)
    wait_for(lambda: [s.alive for s in backend.observe()] == [True, False], "worker 1 crashed")
    backend.forget()
    assert [state.index for state in backend.observe()] == [0]


def test_gpus_are_shared_in_turn_and_respect_what_is_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    devices = shares.gpus()
    assert [shares.gpu_of(index, devices) for index in range(3)] == ["2", "5", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert shares.gpu_of(0, shares.gpus()) is None


def test_gpus_are_counted_from_the_driver_tool(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: H200 (UUID: a)'\necho 'GPU 1: H200 (UUID: b)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert shares.gpus() == ["0", "1"]
    tool.write_text("#!/bin/sh\necho 'GPU 0: lost'\nexit 9\n")
    assert shares.gpus() == []


def test_every_trial_has_a_thread_however_many_there_are() -> None:
    assert shares.threads(workers=1000, slots=1) == 1
