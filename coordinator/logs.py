"""Prints what workers printed, and goes on doing so.

Knows nothing of who runs them: a log gives lines, wherever they come from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from study.errors import UsageError
from study.paths import StudyPaths

PERIOD = 0.5  # seconds between two looks for more
LINES = 50  # of each log, to begin with


class Log(Protocol):
    """What one worker printed. Used by one thread."""

    def lines(self) -> list[str]:
        """Whole lines that came since the last call; at first all there are."""


class FileLog:
    """A `Log` in a file, which need not be there yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._rest = b""

    def lines(self) -> list[str]:
        """See Log."""
        try:
            with self._file.open("rb") as log:
                log.seek(self._offset)
                new = log.read()
        except FileNotFoundError:
            return []
        self._offset += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


def file_logs(paths: StudyPaths) -> dict[int, Log]:
    """Those of workers that print into files, by index of the worker."""
    found = paths.worker_log(0).parent.glob("*.log")
    return {int(file.stem): FileLog(file) for file in found if file.stem.isdecimal()}


def chosen(logs: Mapping[int, Log], worker: int | None, place: Path) -> dict[int, Log]:
    """All of a study's logs, or one worker's. Raises UsageError where there is none; `place` is
    where they would be."""
    wanted = {index: logs[index] for index in sorted(logs) if worker in (None, index)}
    if not wanted:
        known = ", ".join(map(str, sorted(logs)))
        raise UsageError(
            f"worker {worker} has no log; there are logs of: {known}"
            if logs
            else f"{place}: no worker has run here, so there is no log"
        )
    return wanted


def show_logs(
    logs: Mapping[int, Log], *, follow: bool, say: Callable[[str], None], lines: int = LINES
) -> None:
    """Says the last lines of every log, then, to `follow`, every new one until Ctrl-C."""
    labels = {index: f"[{index}] " if len(logs) > 1 else "" for index in logs}
    for index, log in logs.items():
        for line in log.lines()[-lines:]:
            say(labels[index] + line)
    while follow:
        for index, log in logs.items():
            for line in log.lines():
                say(labels[index] + line)
        time.sleep(PERIOD)
