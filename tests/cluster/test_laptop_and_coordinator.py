"""A study as a person has it in a cluster: a laptop's verbs, the real coordinator as a process, and
light workers in pods."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Coordinator, Laptop
from tests.eventually import AT_ONCE, eventually
from tests.pictures import draw_classes


@pytest.fixture
def coordinate(cluster: FakeCluster) -> Iterator[subprocess.Popen[bytes]]:
    """`hpo coordinate`, deployed."""
    Coordinator(cluster).deploy(ready=1)
    with (cluster.folder / "coordinator.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "coordinate"],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=log,
            stderr=log,
        )
    yield process
    process.kill()
    process.wait()


@pytest.mark.usefixtures("coordinate")
def test_a_study_from_a_folder_of_the_laptop_to_a_promoted_model_and_its_report(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    folder = draw_classes(laptop.folder / "pictures", per_class=4)
    printed = laptop.hpo("submit", "birds", "-n", "2", "--follow", "--data", str(folder)).stdout
    assert "6/6 trials (6 complete)" in printed
    assert "promoted: trial 5 as version 1" in printed
    assert "done" in laptop.hpo("status").stdout
    assert "trial 5: validation accuracy 0.5500" in laptop.hpo("best", "birds").stdout

    printed = laptop.hpo("promote", "birds", "--trial", "2").stdout
    assert "trial 2 as version 2" in printed
    assert "version 1" in laptop.hpo("rollback", "birds").stdout
    assert "no version before 1" in laptop.hpo("rollback", "birds", status=1).stderr

    file = Path(laptop.hpo("report", "birds").stdout.strip())
    assert file == laptop.folder / "artifacts" / "birds" / "report.html"
    assert "<h1>birds</h1>" in file.read_text()

    printed = laptop.hpo("resume", "birds", "search.budget.trials=8", "--follow").stdout
    assert "8/8 trials (8 complete)" in printed
    assert cluster.broken is None


@pytest.mark.usefixtures("coordinate")
def test_a_running_study_is_scaled_stopped_and_resumed(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    laptop.hpo("submit", "birds", "-n", "2")
    eventually("two run", lambda: len(cluster.running("birds")) == 2)
    laptop.hpo("scale", "birds", "3")
    eventually("three run", lambda: len(cluster.running("birds")) == 3)
    eventually("the logs say so", lambda: "[2] trial" in laptop.hpo("logs", "birds").stdout)
    assert "is stopped; go on with" in laptop.hpo("stop", "birds").stdout
    assert cluster.running("birds") == []
    cluster.node.environment["HPO_LIGHT"] = "work"
    assert "6/6 trials" in laptop.hpo("resume", "birds", "--follow").stdout


def test_a_coordinator_that_is_killed_is_waited_for_by_who_follows(
    laptop: Laptop, cluster: FakeCluster, coordinate: subprocess.Popen[bytes]
) -> None:
    cluster.node.environment["HPO_PACE"] = "0.3"
    process = laptop.start("submit", "birds", "--follow")
    eventually("one runs", lambda: len(cluster.running("birds")) == 1)
    coordinate.kill()
    coordinate.wait()
    with (cluster.folder / "coordinator.log").open("ab") as log:
        successor = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "coordinate"],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=log,
            stderr=log,
        )
    try:
        printed, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "6/6 trials (6 complete)" in printed
        successor.send_signal(signal.SIGTERM)
        assert successor.wait(AT_ONCE) == 0
    finally:
        successor.kill()
        successor.wait()
