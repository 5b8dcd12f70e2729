"""A study with two objectives, as a person sees it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from coordinator.promote import candidates
from coordinator.report.page import report_page
from coordinator.snapshot import snapshot
from coordinator.status import best_of, show_best
from study.config.records import StudyConfig
from study.progress import observe
from study.registry import RegisteredStudy, Registry
from tests.coordinator.conftest import Past
from tests.coordinator.two_objectives import end_all, with_two_objectives


@pytest.fixture
def config(config: StudyConfig) -> StudyConfig:
    return with_two_objectives(config)


@pytest.fixture
def ended(registry: Registry, study: RegisteredStudy, past: Past) -> RegisteredStudy:
    """With trials that came to an end."""
    end_all(registry, study, past)
    return study


def test_best_shows_the_front_and_what_promotion_takes(
    registry: Registry, ended: RegisteredStudy
) -> None:
    text = io.StringIO()
    show_best(registry, ended, Console(file=text, width=120))
    said = text.getvalue()
    assert said.startswith("trial 2: validation accuracy 0.9450")
    rows = [line.split("│") for line in said.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row[1:4]] for row in rows] == [
        ["1", "0.9500", "9,000,000"],
        ["2", "0.9450", "8,000,000"],
        ["0", "0.9000", "5,000,000"],
        ["3", "0.8000", "1,000,000"],
    ]
    promoted = [row[4].strip() for row in rows]
    assert promoted == ["", "promoted: lowest parameters within 0.01 of the best accuracy", "", ""]


def test_promotion_takes_the_smallest_within_the_tolerance_and_no_other(
    registry: Registry, ended: RegisteredStudy
) -> None:
    assert candidates(registry, ended, None) == [2]
    assert candidates(registry, ended, 3) == [3]


def test_status_best_and_report_know_which_one_it_is(
    registry: Registry, ended: RegisteredStudy
) -> None:
    shown = snapshot(observe(registry, ended)).best
    assert shown is not None
    assert (shown.number, shown.value) == (2, 0.945)
    assert best_of(registry, ended).number == 2
    assert "0.9450" in report_page(registry, ended)
