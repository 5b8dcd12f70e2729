"""A result is the last line printed, and fits what Kubernetes reads of a pod."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from study.errors import UsageError
from worker.result import RESULT_BYTES, check_result_file, say_result


def test_the_result_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "termination-log"
    file.write_text("what was there before, and longer than the result")
    before = file.stat().st_ino
    monkeypatch.setenv("HPO_RESULT", str(file))
    check_result_file()
    assert file.read_text() == "", "a verb that fails leaves no result"
    say_result({"store": "abc"})
    assert file.read_text() == capsys.readouterr().out == '{"store": "abc"}\n'
    assert file.stat().st_ino == before


def test_a_long_result_loses_its_last_entries_in_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HPO_RESULT", str(tmp_path / "result"))
    result = {"winner": 7, "validation": {str(n): {"accuracy": 0.5} for n in range(1000)}}
    say_result(result)
    assert json.loads(capsys.readouterr().out) == result
    kept = (tmp_path / "result").read_text()
    assert json.loads(kept) == {"winner": 7}
    assert len(kept) <= RESULT_BYTES


def test_without_the_variable_the_result_is_only_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HPO_RESULT", raising=False)
    check_result_file()
    say_result({"winner": 1})
    assert capsys.readouterr().out == '{"winner": 1}\n'


def test_a_result_file_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPO_RESULT", str(tmp_path))
    with pytest.raises(UsageError, match=r"HPO_RESULT: .* cannot be written: Is a directory"):
        check_result_file()
