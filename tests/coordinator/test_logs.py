"""Logs of workers on a real file system."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.logs import FileLog, chosen, file_logs, show_logs
from study.errors import UsageError
from study.paths import StudyPaths


@pytest.fixture
def place(tmp_path: Path) -> StudyPaths:
    place = StudyPaths(tmp_path)
    place.worker_log(0).parent.mkdir()
    for index in (0, 1, 10):
        place.worker_log(index).write_text("".join(f"line {n}\n" for n in range(100)))
    return place


def test_the_last_lines_of_every_worker_are_labelled(place: StudyPaths) -> None:
    said: list[str] = []
    logs = chosen(file_logs(place), None, place.root)
    show_logs(logs, follow=False, say=said.append, lines=2)
    assert said == [f"[{index}] line {n}" for index in (0, 1, 10) for n in (98, 99)]


def test_one_workers_lines_are_as_they_are(place: StudyPaths) -> None:
    said: list[str] = []
    show_logs(chosen(file_logs(place), 10, place.root), follow=False, say=said.append, lines=1)
    assert said == ["line 99"]


def test_an_unknown_worker_is_answered_with_those_there_are(place: StudyPaths) -> None:
    with pytest.raises(UsageError, match="worker 7 has no log; there are logs of: 0, 1, 10"):
        chosen(file_logs(place), 7, place.root)
    with pytest.raises(UsageError, match="none/workers: no worker has run here"):
        chosen({}, None, place.root / "none/workers")


def test_a_log_waits_for_the_end_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "0.log"
    file.write_bytes(b"first\nsec")
    log = FileLog(file)
    assert log.lines() == ["first"]
    assert log.lines() == []
    with file.open("ab") as opened:
        opened.write(b"ond \xff\n")
    assert log.lines() == ["second \N{REPLACEMENT CHARACTER}"]
