"""Two objectives on the page."""

from __future__ import annotations

import json
import re

import pytest

from coordinator.report.page import report_page
from study.config.records import StudyConfig
from study.registry import RegisteredStudy, Registry
from tests.coordinator.conftest import Past
from tests.coordinator.two_objectives import ENDS, end_all, with_two_objectives


@pytest.fixture
def config(config: StudyConfig) -> StudyConfig:
    return with_two_objectives(config)


@pytest.fixture
def page(registry: Registry, study: RegisteredStudy, past: Past) -> str:
    """Of a study all of whose trials have ended."""
    end_all(registry, study, past)
    return report_page(registry, study).partition("</main>")[0]


def test_the_front_is_drawn_from_the_most_accurate_to_the_smallest(page: str) -> None:
    section = page.partition('<section id="pareto"')[2].partition("</section>")[0]
    (spec,) = re.findall(r'<script type="application/json">(.*?)</script>', section)
    complete, front = json.loads(spec)["data"]
    assert (front["x"], front["y"]) == ([9e6, 8e6, 5e6, 1e6], [0.95, 0.945, 0.9, 0.8])
    assert len(complete["x"]) == len(ENDS)
    assert "5 complete trials, of which 4 are on the Pareto front" in section


def test_the_front_is_a_table_too_and_the_rule_of_promotion_is_said(page: str) -> None:
    section = page.partition('<section id="pareto"')[2].partition("</section>")[0]
    numbers = re.findall(r'<tr><th scope="row" [^>]*>(\d+)</th>', section)
    assert numbers == ["1", "2", "0", "3"]
    assert "9,000,000" in section
    assert "lowest parameters of those whose accuracy is within 0.01 of the best" in section
    assert "<strong>0.9450</strong><span>trial 2</span>" in page


def test_learning_curves_need_no_intermediate_values(page: str) -> None:
    section = page.partition('<section id="curves"')[2].partition("</section>")[0]
    assert "0 trials that were cut short and 5 that were not" in section
