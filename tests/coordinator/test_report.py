"""The page of a study, at every stage of its life."""

from __future__ import annotations

import re

import pytest

from coordinator.report import write_report
from study.lease import Outcome
from study.registry import RegisteredStudy, Registry

from .conftest import Past


def page(registry: Registry, study: RegisteredStudy) -> str:
    return write_report(registry, study).read_text()


def body(registry: Registry, study: RegisteredStudy) -> str:
    """Without plotly.js."""
    return page(registry, study).split("</style>")[0] + page(registry, study).split("<body>")[1]


def test_a_study_without_a_trial_has_a_page(registry: Registry, study: RegisteredStudy) -> None:
    assert "0 of 6 ended" in body(registry, study)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_complete_trials_are_drawn_and_listed(
    registry: Registry, study: RegisteredStudy, past: Past, count: int
) -> None:
    for number in range(count):
        past.end(0.1 * (number + 1))
    content = body(registry, study)
    drawn = content.count('class="plotly-graph-div"')
    assert drawn == (2 if count == 1 else 5)
    assert f"{0.1 * count:.4f} (trial {count - 1})" in content
    assert content.count("training.learning_rate=") == count


def test_pruned_failed_and_running_trials_are_listed_with_their_reasons(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.3, Outcome.PRUNED)
    past.end(None, Outcome.FAILED)
    past.begin()
    content = body(registry, study)
    for outcome in ("pruned", "failed", "running"):
        assert f"<td>{outcome}</td>" in content


def test_the_page_needs_no_network_and_holds_plotly_once(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.3)
    past.end(0.4)
    content = page(registry, study)
    assert not re.search(r"<(script|link)[^>]+(src|href)=", content)
    assert content.count("plotly.js v") == 1


def test_names_cannot_inject_markup(registry: Registry, study: RegisteredStudy, past: Past) -> None:
    past.end(0.3)
    optuna_study = registry.optuna_study(study)
    registry.storage.set_trial_user_attr(
        past.begin().trial_id, "reason", "<script>alert(1)</script>"
    )
    assert optuna_study.trials
    assert "<script>alert(1)" not in body(registry, study)
