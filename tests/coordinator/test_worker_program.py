"""What a worker is told, and what its last words mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from coordinator.worker_program import environment, error_in


def test_the_error_is_what_follows_the_programs_name() -> None:
    earlier = "hpo-worker: gone\nlog\n"
    assert error_in(f"{earlier}hpo-worker: 1: x\nhpo-worker: 2: y\n") == "1: x\n2: y"
    assert error_in("Traceback\n  File\nValueError: 3\n") == "ValueError: 3"
    assert error_in("") == ""


def test_a_worker_is_told_where_everything_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = make_url("postgresql://hpo:secret@db/hpo")
    found = environment(url, "birds")
    assert found == {
        "HPO_STUDY": "birds",
        "HPO_HOME": str(home / ".hpo"),
        "HPO_DATA": str(home / ".hpo" / "data"),
        "HPO_ARTIFACTS": str(home / "artifacts"),
        "HPO_STORAGE": "postgresql://hpo:secret@db/hpo",
    }
    monkeypatch.setenv("HPO_STORAGE_FILE", os.devnull)
    assert "HPO_STORAGE" not in environment(url, "birds")
