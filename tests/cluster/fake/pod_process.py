"""A container as a process of this machine: its image is this source tree, its mounts are folders.

Two kinds of image: the real worker (`python -m worker`), and a light one that trains nothing and
starts in milliseconds (light_worker.py). Knows nothing of the API.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.cluster.fake import light_worker
from tests.cluster.fake.forks import forks

ROOT = Path(__file__).parents[3]


class PodProcess(Protocol):
    """A container that was started."""

    pid: int | None

    def exit_code(self) -> int | None:
        """As a container runtime gives it; None while it runs."""

    def signal(self, number: int) -> None:
        """To the process, or to nobody where it has ended."""


class Image(Protocol):
    """Starts containers."""

    def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> PodProcess:
        """What it prints goes to `log`."""


class RealWorker:
    """`hpo-worker` as it is."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HPO_")}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker", *arguments],
                env={**kept, "PYTHONPATH": str(ROOT), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid: int | None = self._process.pid

    def exit_code(self) -> int | None:
        """See PodProcess."""
        return _container_code(self._process.poll())

    def signal(self, number: int) -> None:
        """See PodProcess. A container's SIGKILL takes all its processes."""
        if self._process.poll() is None:
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


class LightWorker:
    """light_worker.py, forked from a server that has its imports."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._process = forks().Process(
            target=light_worker.main,
            args=(list(arguments), dict(environment), str(log)),
            daemon=True,
        )
        self._process.start()
        self.pid = self._process.pid

    def exit_code(self) -> int | None:
        """See PodProcess."""
        return _container_code(self._process.exitcode)

    def signal(self, number: int) -> None:
        """See PodProcess."""
        if self._process.exitcode is None and self._process.pid is not None:
            os.kill(self._process.pid, number)


def _container_code(status: int | None) -> int | None:
    return 128 - status if status is not None and status < 0 else status
