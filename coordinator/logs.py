"""Prints what workers printed, and goes on doing so.

Knows nothing of who runs them: it reads files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from study.errors import UsageError
from study.paths import StudyPaths

PERIOD = 0.5  # seconds between two looks for more
LINES = 50  # of each log, to begin with


def log_files(paths: StudyPaths, worker: int | None) -> dict[int, Path]:
    """The logs there are, by index of the worker. Raises UsageError where there is none."""
    found = {
        int(file.stem): file
        for file in paths.worker_log(0).parent.glob("*.log")
        if file.stem.isdecimal()
    }
    chosen = {index: found[index] for index in sorted(found) if worker in (None, index)}
    if not chosen:
        known = ", ".join(map(str, sorted(found)))
        raise UsageError(
            f"worker {worker} has no log; there are logs of: {known}"
            if found
            else f"{paths.worker_log(0).parent}: no worker has run here, so there is no log"
        )
    return chosen


class Tail:
    """A log that is read on as it grows. Gives whole lines."""

    def __init__(self, file: Path, label: str) -> None:
        self._file = file
        self._label = label
        self._offset = 0
        self._rest = b""

    def lines(self) -> list[str]:
        """Those that came since the last call."""
        with self._file.open("rb") as log:
            log.seek(self._offset)
            new = log.read()
        self._offset += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [f"{self._label}{line.decode(errors='replace')}" for line in whole]


def show_logs(
    files: dict[int, Path], *, follow: bool, say: Callable[[str], None], lines: int = LINES
) -> None:
    """Says the last lines of every log, then, to `follow`, every new one until Ctrl-C."""
    tails: Sequence[Tail] = [
        Tail(file, f"[{index}] " if len(files) > 1 else "") for index, file in files.items()
    ]
    for tail in tails:
        for line in tail.lines()[-lines:]:
            say(line)
    while follow:
        for tail in tails:
            for line in tail.lines():
                say(line)
        time.sleep(PERIOD)
