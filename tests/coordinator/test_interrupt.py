"""SIGTERM and Ctrl-C end a verb cleanly, wherever they find it: real processes are signalled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from study import exit_codes

VERB = """
import sys, time
from coordinator import cli
from coordinator.worker_program import LocalProgram
def submit() -> None:
    program = "import time; print('{}', flush=True); print('{}', flush=True); time.sleep(60)"
    LocalProgram([sys.executable]).call(
        ["-c", program], {}, lambda _: print("called", flush=True)
    )
cli.app.command(name="call-and-wait")(submit)
sys.argv = ["hpo", "call-and-wait"]
cli.main()
"""

COLLECTING = """
import sys, time
from coordinator import cli
class Collected:
    def __del__(self):
        print("collecting", flush=True)
        time.sleep(60)
def collect() -> None:
    Collected()
    time.sleep(60)
cli.app.command(name="collect")(collect)
sys.argv = ["hpo", "collect"]
cli.main()
"""


@pytest.fixture
def verb(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A verb that waits for a program it has called."""
    with _running(home / "verb.py", VERB) as process:
        yield process


@contextmanager
def _running(program: Path, text: str) -> Iterator[subprocess.Popen[str]]:
    program.write_text(text)
    process = subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        # a shell's background jobs ignore SIGINT, and Python then leaves it at that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


EACH_SIGNAL = pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, exit_codes.PREEMPTED), (signal.SIGINT, exit_codes.INTERRUPTED)],
)


@EACH_SIGNAL
def test_an_interrupted_verb_ends_the_program_it_called_and_says_how_it_ended(
    verb: subprocess.Popen[str], number: signal.Signals, status: int
) -> None:
    assert _stream(verb.stdout).readline() == "called\n"
    (called,) = psutil.Process(verb.pid).children()
    verb.send_signal(number)
    _, said = verb.communicate(timeout=20)
    assert verb.returncode == status
    assert said == ""
    assert not called.is_running()


@EACH_SIGNAL
def test_a_signal_that_comes_while_an_object_is_collected_ends_the_verb_all_the_same(
    home: Path, number: signal.Signals, status: int
) -> None:
    with _running(home / "collecting.py", COLLECTING) as verb:
        assert _stream(verb.stdout).readline() == "collecting\n"
        verb.send_signal(number)
        _, said = verb.communicate(timeout=20)
    assert verb.returncode == status
    assert said == ""


def test_sigterm_again_does_not_cut_the_clean_end_short(verb: subprocess.Popen[str]) -> None:
    assert _stream(verb.stdout).readline() == "called\n"
    for _ in range(3):
        if verb.poll() is None:
            verb.send_signal(signal.SIGTERM)
            time.sleep(0.01)
    assert verb.wait(20) == exit_codes.PREEMPTED


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
