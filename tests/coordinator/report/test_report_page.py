"""The page of a study, at every stage of its life."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from coordinator.report.page import write_report
from study import atomic, paths
from study.config.load import read_study
from study.lease import Outcome
from study.registry import RegisteredStudy, Registry
from tests.coordinator.conftest import Past
from tests.pictures import draw_classes

CHROMIUM = shutil.which("chromium")

RESULT = {
    "classes": ["finch", "wren"],
    "confusion": [[3, 1], [0, 4]],
    "per_class": {
        "finch": {"precision": 1.0, "recall": 0.75, "f1": 0.857, "support": 4},
        "wren": {"precision": 0.8, "recall": 1.0, "f1": 0.889, "support": 4},
    },
    "low_support": ["wren"],
    "metrics": {"accuracy": 0.875, "roc_auc": None},
    "mistakes": [{"name": "finch/a.png", "true": "finch", "predicted": "wren", "confidence": 0.9}],
}


def body(registry: Registry, study: RegisteredStudy) -> str:
    """What is read and drawn, without plotly.js."""
    return write_report(registry, study).read_text().partition("</main>")[0]


def keep_result(number: int, text: str) -> Path:
    directory = paths.artifacts("birds").trial(number)
    atomic.write_text(directory / paths.RESULT, text)
    return directory


def test_a_study_without_a_trial_has_a_page(registry: Registry, study: RegisteredStudy) -> None:
    content = body(registry, study)
    assert "0 of 6" in content
    assert "needs a complete trial" in content
    assert "no trial is complete yet" in content
    assert "drawing" not in content.partition("<main>")[2]


@pytest.mark.parametrize("count", [1, 2, 6])
def test_complete_trials_are_drawn_and_listed(
    registry: Registry, study: RegisteredStudy, past: Past, count: int
) -> None:
    for number in range(count):
        past.end(0.1 * (number + 1))
    content = body(registry, study)
    assert content.count('class="drawing"') == (2 if count == 1 else 5)
    assert f"<strong>{0.1 * count:.4f}</strong><span>trial {count - 1}</span>" in content
    assert content.count("<td >complete</td>") == count


def test_pruned_failed_and_running_trials_are_listed_with_their_reasons(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.3, Outcome.PRUNED)
    past.end(float("nan"), Outcome.DIVERGED)
    past.end(None, Outcome.FAILED)
    past.begin()
    content = body(registry, study)
    for outcome in ("pruned", "diverged", "failed", "running"):
        assert f"<td >{outcome}</td>" in content


def test_the_best_configuration_on_the_page_is_ready_to_be_trained(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.3)
    content = body(registry, study)
    (yaml,) = re.findall(r"<code>(# The best of study birds.*?)</code>", content, flags=re.DOTALL)
    config = read_study(yaml.encode(), Path("birds.yaml"))
    assert config.space == {}
    best = registry.optuna_study(study).best_trial
    assert config.training.learning_rate == best.params["training.learning_rate"]


def test_what_the_best_trial_left_is_shown(
    registry: Registry, study: RegisteredStudy, past: Past, tmp_path: Path
) -> None:
    past.end(0.2)
    directory = keep_result(past.end(0.3), json.dumps(RESULT))
    draw_classes(tmp_path / "pictures")
    picture = next((tmp_path / "pictures").glob("*/*.png"))
    atomic.write_bytes(directory / paths.MISTAKES, picture.read_bytes())
    content = body(registry, study)
    assert "confusion matrix of 2 classes" in content
    assert "finch/a.png" in content
    assert "wren *" in content
    assert 'src="data:image/png;base64,' in content


@pytest.mark.parametrize(
    ("text", "said"), [(None, "not kept"), ("{}", "cannot be read"), ("{", "cannot be read")]
)
def test_a_result_that_is_missing_or_broken_costs_its_own_place_alone(
    registry: Registry, study: RegisteredStudy, past: Past, text: str | None, said: str
) -> None:
    number = past.end(0.3)
    if text is not None:
        keep_result(number, text)
    content = body(registry, study)
    assert content.count(said) == 2
    assert 'id="cost"' in content


def test_the_page_needs_no_network_and_holds_plotly_once(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.3)
    past.end(0.4)
    content = write_report(registry, study).read_text()
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?(http|/)", content)
    assert content.count("plotly.js v") == 1


def test_names_cannot_inject_markup(registry: Registry, study: RegisteredStudy, past: Past) -> None:
    number = past.end(0.3)
    attack = "</script><script>alert(1)</script>"
    registry.storage.set_trial_user_attr(past.begin().trial_id, "reason", attack)
    keep_result(number, json.dumps({**RESULT, "classes": [attack, "wren"]}))
    content = body(registry, study)
    assert "<script>alert(1)" not in content
    assert "alert(1)" in content


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_a_browser_without_a_network_draws_every_figure_within_its_width(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    from playwright.sync_api import sync_playwright

    past.end(0.3)
    past.end(0.2, Outcome.PRUNED)
    keep_result(past.end(0.4), json.dumps(RESULT))
    page_file = write_report(registry, study)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for width, scheme, paper in (
            (400, "dark", "rgb(17, 22, 28)"),
            (1280, "light", "rgb(255, 255, 255)"),
        ):
            page = browser.new_page(
                viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
            )
            wrong: list[str] = []
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.goto(page_file.as_uri())
            page.wait_for_selector("body[data-drawn]", timeout=60_000)
            assert wrong == []
            assert page.locator(".drawing:has(.main-svg)").count() == 6
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_what_is_printed_at_once_has_every_figure(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    from playwright.sync_api import sync_playwright

    past.end(0.3)
    keep_result(past.end(0.4), json.dumps(RESULT))
    page_file = write_report(registry, study)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(offline=True)
        page.add_init_script("""
            document.addEventListener("DOMContentLoaded", () => {
              const drawn = () => document.querySelectorAll(".drawing:has(.main-svg)").length;
              const before = drawn();
              dispatchEvent(new Event("beforeprint"));
              window.drawn = [before, drawn()];
            });
        """)
        page.goto(page_file.as_uri())
        before, printed = page.evaluate("window.drawn")
        assert before < printed == page.locator(".drawing").count()
        browser.close()
