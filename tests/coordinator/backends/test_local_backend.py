"""What is special of local processes: keepers, locks, and pids that may be other processes' by now.

What they have in common with other back ends is in test_backend_contract.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.backends import shares
from study.paths import StudyPaths
from tests.coordinator.backends.conftest import LocalPlace, only, wait_dead, wait_for, wait_ready


def test_a_worker_outlives_a_killed_coordinator(
    make_local: LocalPlace, paths: StudyPaths, tmp_path: Path
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
    backend = make_local()
    wait_ready(backend)
    assert only(backend).alive
    backend.stop(0)
    assert wait_dead(backend).exit_status == 143


def test_a_worker_that_was_killed_with_its_keeper_is_dead_without_a_status(
    make_local: LocalPlace,
) -> None:
    backend = make_local()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.kill(0)
    assert wait_dead(backend).exit_status is None


def test_a_worker_whose_keeper_was_killed_lives_on(
    make_local: LocalPlace, paths: StudyPaths
) -> None:
    backend = make_local()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    os.kill(json.loads(paths.worker(0).read_text())["group"], signal.SIGKILL)
    assert only(backend).alive
    backend.stop(0)
    wait_dead(backend)


def test_what_a_dead_worker_left_behind_is_ended_before_the_next_starts(
    make_local: LocalPlace,
) -> None:
    backend = make_local("child")
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
    make_local: LocalPlace, paths: StudyPaths
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    paths.worker(0).parent.mkdir(parents=True)
    paths.worker_log(0).write_text("")
    record = {"name": "old", "crashes": 0, "pid": stranger.pid, "group": stranger.pid}
    paths.worker(0).write_text(json.dumps(record))
    backend = make_local()
    assert not only(backend).alive
    backend.stop(0)
    backend.kill(0)
    assert stranger.poll() is None
    stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_a_worker_that_never_ran_is_not_seen(make_local: LocalPlace, paths: StudyPaths) -> None:
    paths.worker(0).parent.mkdir(parents=True)
    paths.worker(0).write_text(json.dumps({"name": "never", "crashes": 0}))
    assert make_local().observe() == []


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
