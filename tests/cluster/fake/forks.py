"""Processes that start in milliseconds: forked from a server that has the imports they need, and
none of this process's threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO

PRELOADED = (
    "tests.cluster.fake.light_worker",
    "kubernetes.client.exceptions",
    "kubernetes.config",
    "coordinator.cluster.laptop.submission",
    "coordinator.cluster.laptop.plan",
    "coordinator.cluster.laptop.client",
    "coordinator.database",
    "typer",
)


def forks() -> ForkServerContext:
    """The server, started with its first process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


class Hpo:
    """`hpo` as a process with pipes, with the methods of a subprocess that tests use."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, pipes: Path
    ) -> None:
        pipes.mkdir()
        self._pipes = [pipes / "stdout", pipes / "stderr"]
        for pipe in self._pipes:
            os.mkfifo(pipe)
        self._process = forks().Process(
            target=_main,
            args=(list(arguments), dict(environment), str(folder), [*map(str, self._pipes)]),
            daemon=True,
        )
        self._process.start()
        self.stdout: IO[str]
        self.stderr: IO[str]
        self.stdout, self.stderr = (pipe.open() for pipe in self._pipes)

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """To it alone."""
        if self._process.pid is not None and self.returncode is None:
            os.kill(self._process.pid, number)

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it still printed until its end; killed after the timeout."""
        self._process.join(timeout)
        if self.returncode is None:
            self._process.kill()
            self._process.join(5)
        with self.stdout, self.stderr:
            return self.stdout.read(), self.stderr.read()


def _main(arguments: list[str], environment: dict[str, str], folder: str, pipes: list[str]) -> None:
    """In the process."""
    for number, pipe in enumerate(pipes, start=1):
        os.dup2(os.open(pipe, os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["hpo", *arguments]
    from coordinator.cli import main

    main()
