"""Calls of real programs that speak as `hpo-worker` does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from coordinator.worker_program import LocalProgram, environment, error_in
from study.errors import HpoError, UsageError


def program(source: str) -> LocalProgram:
    return LocalProgram([sys.executable, "-S", "-c", source])


def test_every_line_but_the_last_is_progress() -> None:
    seen: list[dict[str, Any]] = []
    source = 'print(\'{"done": 1}\'); print(\'{"done": 2}\'); print(\'{"store": "s"}\')'
    assert program(source).call(["prepare"], {}, seen.append) == {"store": "s"}
    assert seen == [{"done": 1}, {"done": 2}]


@pytest.mark.parametrize(("status", "kind"), [(2, UsageError), (1, HpoError)])
def test_a_failed_call_raises_in_the_programs_own_words(status: int, kind: type[HpoError]) -> None:
    source = (
        "import sys; print('12:00 I decoding', file=sys.stderr);"
        f" print('hpo-worker: a class is empty', file=sys.stderr); sys.exit({status})"
    )
    with pytest.raises(HpoError, match=r"^a class is empty$") as raised:
        program(source).call(["prepare"], {})
    assert type(raised.value) is kind


def test_a_killed_program_is_an_error_that_names_the_verb() -> None:
    source = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(HpoError, match="measure ended with status -9"):
        program(source).call(["measure"], {})


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
