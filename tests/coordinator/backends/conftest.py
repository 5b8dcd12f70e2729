"""Places for real workers, one per back end; a small script stands in for the worker."""

from __future__ import annotations

import os
import secrets
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import docker
import pytest
from docker.types import Mount

from coordinator.backends.backend import Backend, WorkerState
from coordinator.backends.docker import DockerBackend
from coordinator.backends.local import LocalBackend
from coordinator.backends.surroundings import Surroundings
from study.config.records import ResourcesConfig
from study.paths import StudyPaths
from tests.engine import coordinator_image, engine_with

STAND_IN = """
import os, signal, sys
def leave(*_):
    print("leaving", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
print("hello from", os.environ["HPO_WORKER"], "threads", os.environ["HPO_THREADS"], flush=True)
mode = os.environ["MODE"]
if mode == "crash":
    print("the reason", file=sys.stderr)
    sys.exit(1)
if mode == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
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


def only(backend: Backend) -> WorkerState:
    (state,) = backend.observe()
    return state


def wait_ready(backend: Backend, index: int = 0) -> None:
    wait_for(lambda: list(backend.last_lines(index, 1)) == ["ready"], "the worker is ready")


def wait_dead(backend: Backend) -> WorkerState:
    wait_for(lambda: not only(backend).alive, "the worker is dead")
    return only(backend)


class Make(Protocol):
    """Makes a back end of the place, as another coordinator of the same study would."""

    def __call__(self, mode: str = "wait", command: list[str] | None = None) -> Backend: ...


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(tmp_path / "study")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN))
    return script


@dataclass(frozen=True)
class LocalPlace:
    paths: StudyPaths
    script: Path

    def __call__(self, mode: str = "wait", command: list[str] | None = None) -> LocalBackend:
        return LocalBackend(
            self.paths,
            command or [sys.executable, "-S", str(self.script)],
            {"MODE": mode},
            ResourcesConfig(cpu_threads=3),
        )


@dataclass(frozen=True)
class DockerPlace:
    paths: StudyPaths
    script: Path
    client: docker.DockerClient
    surroundings: Surroundings

    def __call__(self, mode: str = "wait", command: list[str] | None = None) -> DockerBackend:
        return DockerBackend(
            self.client,
            self.surroundings,
            self.paths,
            {"MODE": mode},
            ResourcesConfig(cpu_threads=3),
            command or ["dumb-init", "--single-child", "--", "python", "-S", str(self.script)],
        )


def clear(backend: Backend) -> None:
    """Ends every process of a test."""

    def all_gone() -> bool:
        for state in backend.observe():
            backend.kill(state.index)
        return not any(state.alive for state in backend.observe())

    wait_for(all_gone, "every process of the test is gone")
    backend.forget()


@pytest.fixture
def make_local(paths: StudyPaths, script: Path) -> Iterator[LocalPlace]:
    place = LocalPlace(paths, script)
    yield place
    clear(place())


@pytest.fixture
def make_docker(paths: StudyPaths, script: Path, tmp_path: Path) -> Iterator[DockerPlace]:
    client = engine_with(coordinator_image())
    surroundings = Surroundings(
        image=coordinator_image(),
        project=f"test-{secrets.token_hex(4)}",
        network="none",
        user=f"{os.getuid()}:{os.getgid()}",
        working_directory="/",
        mounts=(Mount(str(tmp_path), str(tmp_path), type="bind", read_only=True),),
        environment={},
    )
    place = DockerPlace(paths, script, client, surroundings)
    yield place
    clear(place())
    client.close()
