"""Workers as processes of this machine. They live on when the coordinator dies, and the next
coordinator finds them.

A worker holds a lock on its log, which the kernel gives up with the last of its processes: whether
it lives is never guessed from a pid that may be another process's by now. Its record (name, pid,
process group, exit status) is kept by keeper.py, its parent. Knows nothing of trials.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from coordinator.backends import keeper, shares
from coordinator.backends.backend import WorkerState
from study.atomic import write_json
from study.config.records import ResourcesConfig
from study.paths import StudyPaths

TAIL_BYTES = 64 * 1024  # of a log, read for its last lines


class LocalBackend:
    """A `Backend` of local processes. `command` runs one worker; `environment` is added to ours."""

    def __init__(
        self,
        paths: StudyPaths,
        command: Sequence[str],
        environment: Mapping[str, str],
        resources: ResourcesConfig,
    ) -> None:
        self._paths = paths
        self._command = list(command)
        self._environment = dict(environment)
        self._resources = resources
        self._gpus = shares.gpus()
        self._asked: set[str] = set()  # names of workers told to stop
        self._keepers: set[int] = set()  # pids of our children

    def observe(self) -> list[WorkerState]:
        """See Backend."""
        self._keepers = {pid for pid in self._keepers if os.waitpid(pid, os.WNOHANG)[0] == 0}
        return [state for index in self._indices() if (state := self._state(index)) is not None]

    def start(self, index: int, *, workers: int, crashes: int) -> None:
        """See Backend."""
        log = self._paths.worker_log(index)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            try:
                fcntl.flock(output, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._clear(index)
                return
            name = f"{socket.gethostname()}-{index}-{secrets.token_hex(3)}"
            write_json(self._paths.worker(index), {"name": name, "crashes": crashes})
            self._keepers.add(
                self._spawn(index, output.fileno(), self._share(index, name, workers))
            )

    def stop(self, index: int) -> None:
        """See Backend."""
        record = self._record(index)
        if "pid" not in record or "exit_status" in record or record["name"] in self._asked:
            return
        if _locked(self._paths.worker_log(index)):
            with suppress(ProcessLookupError):
                os.kill(record["pid"], signal.SIGTERM)
            self._asked.add(record["name"])

    def kill(self, index: int) -> None:
        """See Backend."""
        record = self._record(index)
        # while the log is locked the group has a member, so its number is not another group's
        if "group" in record and _locked(self._paths.worker_log(index)):
            with suppress(ProcessLookupError):
                os.killpg(record["group"], signal.SIGKILL)

    def last_lines(self, index: int, count: int) -> list[str]:
        """See Backend."""
        try:
            with self._paths.worker_log(index).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
                return log.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return []

    def forget(self) -> None:
        """See Backend."""
        for state in self.observe():
            if not state.alive:
                self._paths.worker(state.index).unlink(missing_ok=True)

    def _spawn(self, index: int, log: int, share: Mapping[str, str]) -> int:
        """Runs the keeper, which inherits the lock with `log`; gives its pid."""
        return os.posix_spawn(  # and not Popen, whose children are not meant to outlive it
            sys.executable,
            [sys.executable, keeper.__file__, str(self._paths.worker(index)), *self._command],
            {**os.environ, **self._environment, **share},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,  # Ctrl-C at the terminal is not meant for workers
        )

    def _clear(self, index: int) -> None:
        """Ends what a worker that is gone left behind, so that the next `start` can succeed."""
        if "exit_status" in self._record(index):
            self.kill(index)

    def _indices(self) -> Iterator[int]:
        found = self._paths.worker(0).parent.glob("*.json")
        yield from sorted(int(file.stem) for file in found if file.stem.isdecimal())

    def _record(self, index: int) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._paths.worker(index).read_text())
        except FileNotFoundError:
            return {}
        return record

    def _state(self, index: int) -> WorkerState | None:
        # the lock first: a worker that ends in between is then alive and not without a status
        locked = _locked(self._paths.worker_log(index))
        record = self._record(index)
        if not record or ("pid" not in record and not locked):
            return None  # the coordinator was killed before the worker ran
        ended = record.get("exit_status")
        return WorkerState(
            index=index,
            name=record["name"],
            alive=locked and ended is None,
            exit_status=ended,
            crashes=record["crashes"],
        )

    def _share(self, index: int, name: str, workers: int) -> dict[str, str]:
        threads = self._resources.cpu_threads or shares.threads(
            workers=workers, slots=self._resources.known_slots
        )
        share = {"HPO_WORKER": name, "HPO_THREADS": str(threads)}
        device = shares.gpu_of(index, self._gpus)
        if device is not None:
            share["CUDA_VISIBLE_DEVICES"] = device
        return share


def _locked(log: Path) -> bool:
    """Whether a process holds the lock. A shared one is tried, so that observers never collide."""
    try:
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
