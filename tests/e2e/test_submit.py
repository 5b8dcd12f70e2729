"""From raw pictures to a promoted model, through the command line alone."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import torch

from coordinator.promoted import verify
from study.config.load import load_study
from tests.chaos.conftest import eventually
from tests.e2e.conftest import Desk
from worker.data.decode import Square, decode
from worker.models.build import build_model


def test_a_study_ends_in_a_promoted_model_that_can_be_used(desk: Desk) -> None:
    printed = desk.hpo("submit", "shapes.yaml", "--workers", "2")
    assert "3/3 trials (3 complete)" in printed
    latest = desk.artifacts / "promoted" / "latest"
    verify(latest)
    metrics = json.loads((latest / "metrics.json").read_text())
    assert len(metrics["validation"]) == 3
    assert metrics["test"]["accuracy"] > 0.8
    pictures = sorted(desk.folder.glob("pictures/*/*.png"))
    right = sum(classify(latest, picture) == picture.parent.name for picture in pictures[::4])
    assert right > 0.8 * len(pictures[::4])
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
    eventually("nothing is left running", lambda: desk.processes() == [], 5.0)


def classify(model: Path, picture: Path) -> str:
    """What the README says about using a promoted model."""
    config = load_study(model / "config.yaml")
    classes = json.loads((model / "classes.json").read_text())
    norm = json.loads((model / "normalization.json").read_text())
    size = norm["image_size"]
    net = build_model(
        config.model, channels=norm["channels"], image_size=size, n_classes=len(classes)
    )
    net.load_state_dict(torch.load(model / "weights.pt", weights_only=True))
    square = decode(picture.read_bytes(), size, norm["channels"], config.data.fit)
    assert isinstance(square, Square)
    mean, std = (torch.tensor(norm[key])[:, None, None] for key in ("mean", "std"))
    pixels = (torch.tensor(square.pixels).permute(2, 0, 1) / 255 - mean) / std
    with torch.inference_mode():
        name: str = classes[int(net.eval()(pixels[None]).argmax())]
    return name


def test_ctrl_c_stops_cleanly_and_resume_goes_on(desk: Desk) -> None:
    many = ["training.epochs=30", "search.budget.trials=2"]
    process = desk.start("submit", "shapes.yaml", "--workers", "2", *many)
    eventually(
        "both trials have checkpoints",
        lambda: len({file.parent for file in desk.artifacts.glob("trials/*/checkpoint-*")}) == 2,
    )
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "resume" in printed
    eventually("nothing is left running", lambda: desk.processes() == [], 5.0)
    assert "stopped" in desk.hpo("status", "shapes")

    finished = desk.hpo("resume", "shapes")
    assert "2/2 trials (2 complete)" in finished
    log = "".join(file.read_text() for file in desk.artifacts.glob("workers/*.log"))
    assert log.count(": begun:") == 2
    assert log.count(": adopted from ") == 2
    for number in range(2):
        epochs = [line for line in log.splitlines() if f"trial {number}: epoch " in line]
        assert len(epochs) == 30, "no epoch was trained twice"


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
    eventually("nothing is left running", lambda: desk.processes() == [], 5.0)


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
