"""From raw pictures to a promoted model, through the command line alone."""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from study.promotion import verify
from tests.e2e.conftest import Desk
from tests.eventually import AT_ONCE, eventually
from worker.evaluation.classifier import Classifier


@pytest.mark.timeout(300)  # eight programs, one after the other, on whatever cores are left
def test_a_study_ends_in_a_promoted_model_that_can_be_used(desk: Desk) -> None:
    printed = desk.hpo("submit", "shapes.yaml", "--workers", "2")
    assert "3/3 trials (3 complete)" in printed
    latest = desk.artifacts / "promoted" / "latest"
    verify(latest)
    metrics = json.loads((latest / "metrics.json").read_text())
    assert len(metrics["validation"]) == 3
    assert metrics["test"]["accuracy"] > 0.8
    pictures = sorted(desk.folder.glob("pictures/*/*.png"))
    classifier = Classifier(latest)
    right = sum(
        next(iter(classifier.classify(picture))) == picture.parent.name for picture in pictures[::4]
    )
    assert right > 0.8 * len(pictures[::4])
    printed = as_the_readme_says(desk, pictures[0])
    assert next(iter(ast.literal_eval(printed))) == next(iter(classifier.classify(pictures[0])))
    kept = sorted(file.name[:4] for file in desk.artifacts.glob("trials/*/*.pt"))
    assert kept == ["best", "best", "best"]

    assert "3/3" in desk.hpo("status", "shapes")
    again = desk.hpo("submit", "shapes.yaml", "--workers", "2")
    assert "3/3 trials (3 complete)" in again
    assert sorted(path.name for path in latest.parent.iterdir() if path.name[0] != ".") == [
        "0001",
        "latest",
    ]
    assert desk.hpo("report", "shapes").strip().endswith("report.html")
    check_that_the_winner_trains_again(desk)
    eventually("nothing is left running", lambda: desk.processes() == [], AT_ONCE)


def check_that_the_winner_trains_again(desk: Desk) -> None:
    """As a configuration of its own, without a search."""
    desk.hpo("best", "shapes", "--write", "best.yaml")
    printed = desk.hpo("train", "best.yaml", "training.epochs=2")
    assert "study best-train-1: one training run" in printed
    assert "1/1 trials (1 complete)" in printed
    weights = desk.artifacts.parent / "best-train-1" / "promoted" / "0001" / "weights.pt"
    assert f"weights: {weights}" in printed
    assert weights.is_file()


def as_the_readme_says(desk: Desk, picture: Path) -> str:
    """What the README's lines about a promoted model print for this study and picture."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    return subprocess.run(
        [sys.executable, "-c", code.replace("fashion", "shapes").replace("shoe.png", str(picture))],
        cwd=desk.folder,
        env=desk.environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_ctrl_c_stops_cleanly_and_resume_goes_on(desk: Desk) -> None:
    # long enough that neither ends before the other begins, on a machine that is busy
    many = ["training.epochs=90", "search.budget.trials=2"]
    process = desk.start("submit", "shapes.yaml", "--workers", "2", *many)
    eventually(
        "both trials have checkpoints",
        lambda: len({file.parent for file in desk.artifacts.glob("trials/*/checkpoint-*")}) == 2,
    )
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "resume" in printed
    eventually("nothing is left running", lambda: desk.processes() == [], AT_ONCE)
    assert "stopped" in desk.hpo("status", "shapes")

    finished = desk.hpo("resume", "shapes")
    assert "2/2 trials (2 complete)" in finished
    log = "".join(file.read_text() for file in desk.artifacts.glob("workers/*.log"))
    assert log.count(": begun:") == 2
    assert log.count(": adopted from ") == 2
    for number in range(2):
        epochs = [line for line in log.splitlines() if f"trial {number}: epoch " in line]
        assert len(epochs) == 90, "no epoch was trained twice"


def test_a_killed_coordinator_is_followed_by_the_next(desk: Desk) -> None:
    many = ["training.epochs=30", "search.budget.trials=2"]
    process = desk.start("submit", "shapes.yaml", "--workers", "2", *many)
    eventually(
        "both trials have checkpoints",
        lambda: len({file.parent for file in desk.artifacts.glob("trials/*/checkpoint-*")}) == 2,
    )
    psutil.Process(process.pid).kill()
    process.communicate()
    assert "2/2 trials (2 complete)" in desk.hpo("submit", "shapes.yaml", "-n", "2", *many)
    log = "".join(file.read_text() for file in desk.artifacts.glob("workers/*.log"))
    assert log.count(": begun:") == 2
    assert "adopted" not in log, "the workers went on without a coordinator"
    eventually("nothing is left running", lambda: desk.processes() == [], AT_ONCE)


def test_a_network_too_deep_for_the_picture_is_infeasible_and_the_search_goes_on(
    desk: Desk,
) -> None:
    file = desk.folder / "shapes.yaml"
    file.write_text(
        file.read_text()
        .replace("space:", "space:\n  model.n_layers: {type: int, low: 1, high: 5}")
        .replace("budget:", "warm_start: [{model.n_layers: 5}, {model.n_layers: 1}]\n  budget:")
    )
    printed = desk.hpo("submit", "shapes.yaml", "search.budget.trials=2", "training.epochs=1")
    assert "2/2 trials (1 complete, 1 infeasible)" in printed
    assert "trial 1 as version 1" in printed
