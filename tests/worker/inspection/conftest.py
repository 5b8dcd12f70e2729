"""The verbs of `hpo-worker` for a promoted model, called in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from worker.cli import app


@dataclass(frozen=True)
class Ended:
    """What a verb came to."""

    status: int
    out: str
    err: str


Verb = Callable[..., Ended]


@pytest.fixture
def home(tmp_path: Path, shapes_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a verb runs; the packed pictures can be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HPO_DATA", str(shapes_store.parent.parent))
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("HPO_DEVICE", "cpu")
    monkeypatch.setenv("HPO_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def verb(
    home: Path,  # noqa: ARG001 - sets the environment
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Verb:
    """Runs a verb; raises what it raises."""

    def run(*arguments: object, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        status = app([str(argument) for argument in arguments], standalone_mode=False)
        printed = capsys.readouterr()
        return Ended(status or 0, printed.out, printed.err)

    return run
