"""Runs one local worker and writes down how it ended, so that a coordinator that did not start it
can know. A program of its own, run by file name: `keeper.py RECORD COMMAND...`.

Uses the standard library only, because it stays in memory as long as its worker. Knows nothing of
what the command does. The record is the one local.py wrote before it started this program.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

CANNOT_START = 127  # exit status, as a shell gives it


def main(record: Path, command: list[str]) -> None:
    """Runs `command` to its end, keeping its pid and exit status in `record`."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # not SIG_IGN, which the worker would inherit
        signal.signal(number, lambda *_: None)
    try:
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error}\n")
        _write(record, pid=os.getpid(), exit_status=CANNOT_START)
        return
    _write(record, pid=worker.pid)
    # until it is reaped no other process can get its pid: nobody signals a stranger
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    _write(record, exit_status=_status(worker.pid))
    worker.wait()


def _status(pid: int) -> int:
    """The exit status of a process that has ended and is not reaped yet."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def _write(record: Path, **changes: int) -> None:
    known: dict[str, Any] = json.loads(record.read_text())
    temporary = record.with_suffix(".keeper")
    temporary.write_text(json.dumps({**known, "group": os.getpid(), **changes}, indent=2) + "\n")
    temporary.replace(record)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
