"""How the coordinator calls `hpo-worker`, which alone imports torch: what it needs to know, and its
answers in lines of JSON.

Knows nothing of what the verbs do.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from sqlalchemy.engine import URL

from study import exit_codes, paths
from study.errors import HpoError, UsageError
from study.told import CALLED

COMMAND = (sys.executable, "-m", "worker")
PREFIX = "hpo-worker: "  # of its one-line errors
PATIENCE = 5.0  # seconds a worker that is told to end has for it


def environment(url: URL, study: str) -> dict[str, str]:
    """Where a worker finds its study; never on its command line, where others could read it."""
    found = {
        "HPO_STUDY": study,
        "HPO_HOME": str(paths.home()),
        "HPO_DATA": str(paths.data().root),
        "HPO_ARTIFACTS": str(paths.artifacts(study).root.parent),
    }
    if not os.environ.get("HPO_STORAGE_FILE"):  # which a worker reads for itself
        found["HPO_STORAGE"] = url.render_as_string(hide_password=False)
    return found


class WorkerProgram(Protocol):
    """Calls verbs of `hpo-worker` that come to an end. Used by one thread at a time."""

    def call(
        self,
        arguments: Sequence[str],
        added_environment: Mapping[str, str],
        on_line: Callable[[dict[str, Any]], None] = ...,
    ) -> dict[str, Any]:
        """Runs a verb to its end; `on_line` gets every line but the last, which is the result.

        Raises UsageError or HpoError with the worker's own message. Whatever else ends the call,
        Ctrl-C for example, ends the worker first.
        """


class LocalProgram:
    """A `WorkerProgram` as a process of this machine."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = list(command)

    def call(
        self,
        arguments: Sequence[str],
        added_environment: Mapping[str, str],
        on_line: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """See WorkerProgram."""
        with tempfile.TemporaryFile() as errors:
            last: dict[str, Any] | None = None
            with subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **added_environment},
            ) as worker:
                assert worker.stdout is not None
                try:
                    for line in worker.stdout:
                        if last is not None:
                            on_line(last)
                        last = json.loads(line)
                except BaseException:
                    _end(worker)
                    raise
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        return result(arguments[0], worker.returncode, last, said)


def become(arguments: Sequence[str], *, called: str = "hpo") -> NoReturn:
    """Goes on as `hpo-worker` with these arguments: its terminal, signals and exit status are ours.

    called: what the person has typed before the verb, which messages and help then say. Raises
    UsageError where torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError(f"{arguments[0]} needs torch, which is not installed here: make setup")
    sys.stdout.flush()
    os.execve(COMMAND[0], [*COMMAND, *arguments], {**os.environ, CALLED: called})


def result(verb: str, status: int, last: dict[str, Any] | None, errors: str) -> dict[str, Any]:
    """What a verb that has ended gave: its last line. Raises what its exit status says, in the
    words it left on standard error."""
    if status == exit_codes.DONE and last is not None:
        return last
    kind = UsageError if status == exit_codes.USAGE else HpoError
    raise kind(error_in(errors) or f"{verb} ended with status {status}")


def _end(worker: subprocess.Popen[str]) -> None:
    """Ends the worker; it leaves whole files behind, and its own processes end with it."""
    worker.terminate()
    try:
        worker.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def error_in(output: str) -> str:
    """The worker's error message in what it printed, else the last line."""
    lines = output.strip().splitlines()
    said: list[str] = []
    for line in reversed(lines):
        if line.startswith(PREFIX):
            said.insert(0, line.removeprefix(PREFIX))
        elif said:  # what stands above belongs to an earlier run
            break
    return "\n".join(said or lines[-1:])
