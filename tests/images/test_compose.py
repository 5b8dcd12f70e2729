"""The story of one big machine: Compose, two workers, one of them killed, from raw pictures to a
promoted model on the host, and nothing left behind."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from sqlalchemy.engine import URL

from coordinator.backends import container
from study import exit_codes
from study.paths import StudyPaths
from study.progress import Progress, observe
from study.promotion import read_promoted, verify
from study.registry import Registry
from tests.eventually import eventually
from tests.pictures import draw_classes

ROOT = Path(__file__).parents[2]
TRIALS = 6

STUDY = f"""
name: shapes
data: {{source: pictures, image_size: 16}}
model: {{n_layers: 2, n_filters: [8, 8, 8, 8, 8], kernel_sizes: [3, 3, 3, 3, 3], fc_size: 32}}
training: {{epochs: 40, batch_size: 8, augmentation: {{horizontal_flip: 0.0}}}}
space: {{training.learning_rate: {{type: float, low: 3.0e-3, high: 1.0e-2, log: true}}}}
search: {{pruner: {{name: none}}, budget: {{trials: {TRIALS}}}}}
resources: {{cpus: 1.5, memory_gib: 2}}
"""


@dataclass(frozen=True)
class Box:
    """A copy of the project on a machine that has Docker and make, and no environment."""

    folder: Path
    engine: docker.DockerClient
    project: str

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["make", "--silent", *arguments, "BACKEND=docker", f"DOCKER_PROJECT={self.project}"],
            cwd=self.folder,
            env={key: value for key, value in os.environ.items() if not key.startswith("HPO_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *arguments: str, status: int = 0) -> str:
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=300)
        # make's own status is 2 for every error of a recipe
        assert process.returncode == (2 if status else 0), printed
        assert not status or f"Error {status}" in printed, printed
        return printed

    def workers(self, **filters: str) -> list[str]:
        """Names of the study's worker containers that run."""
        label = [f"{container.PROJECT}={self.project}", f"{container.ROLE}=worker"]
        found = self.engine.containers.list(filters={"label": label, **filters})
        return sorted(str(one.name) for one in found)

    def progress(self) -> Progress:
        server = self.engine.containers.get(self._name("postgres"))
        (network,) = server.attrs["NetworkSettings"]["Networks"].values()
        password = (self.folder / ".hpo/docker/secrets/password").read_text()
        url = URL.create("postgresql+psycopg2", "hpo", password, network["IPAddress"], 5432, "hpo")
        registry = Registry(url)
        found = observe(registry, registry.find("shapes"))
        registry.close()
        return found

    def left(self) -> list[str]:
        """Everything on the engine that is of this project."""
        containers = self.engine.containers.list(all=True)
        volumes = self.engine.volumes.list()
        networks = self.engine.networks.list()
        names = [str(one.name) for one in [*containers, *volumes, *networks]]
        return [name for name in names if name.startswith(self.project)]

    def _name(self, service: str) -> str:
        label = [
            f"com.docker.compose.project={self.project}",
            f"com.docker.compose.service={service}",
        ]
        (found,) = self.engine.containers.list(filters={"label": label})
        return str(found.name)


@pytest.fixture
def box(engine: docker.DockerClient) -> Iterator[Box]:
    with tempfile.TemporaryDirectory(prefix="hpo-box-") as name:
        folder = Path(name)
        for part in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / part, folder)
        shutil.copytree(ROOT / "docker", folder / "docker")
        (folder / "configs").mkdir()
        draw_classes(folder / "configs/pictures")
        (folder / "configs/shapes.yaml").write_text(STUDY)
        box = Box(folder, engine, f"hpotest{secrets.token_hex(3)}")
        yield box
        if (folder / ".hpo").exists():
            box.make("clean", "YES=1")


def trains(box: Box, workers: int) -> bool:
    if len(box.workers()) < workers:
        return False
    running = [trial for trial in box.progress().running if trial.epoch is not None]
    return len({trial.worker for trial in running}) >= workers


@pytest.mark.timeout(900)
def test_a_study_survives_a_killed_worker_and_leaves_a_model_and_nothing_else(box: Box) -> None:
    submitted = box.start("submit", "STUDY=shapes", "N=2")
    eventually("two workers train", lambda: trains(box, 2), 120.0)
    limits = box.engine.containers.get(box.workers()[0]).attrs["HostConfig"]
    assert (limits["NanoCpus"], limits["Memory"]) == (1_500_000_000, 2 * 2**30)

    box.engine.containers.get(box.workers()[0]).kill("SIGKILL")

    printed, _ = submitted.communicate(timeout=300)
    assert submitted.returncode == 0, printed
    progress = box.progress()
    assert progress.outcomes == {"complete": TRIALS}
    assert (progress.budget.begun, progress.running) == (TRIALS, ())

    place = StudyPaths(box.folder / "artifacts/shapes")
    assert str(place.latest) in printed, "the path is the host's"
    manifest = verify(place.latest)
    assert manifest.trial in range(TRIALS)
    assert place.latest.stat().st_uid == os.getuid()

    assert f"{TRIALS}/{TRIALS}" in box.make("status")
    assert "complete" in box.make("logs", "STUDY=shapes")
    assert str(place.report) in box.make("report", "STUDY=shapes")
    box.make("promote", "STUDY=shapes", f"TRIAL={(manifest.trial + 1) % TRIALS}")
    box.make("rollback", "STUDY=shapes")
    assert read_promoted(place.latest).version == manifest.version

    box.make("clean", "YES=1")
    assert box.left() == []
    assert not (box.folder / ".hpo").exists()


@pytest.mark.timeout(900)
def test_a_stopped_study_is_scaled_and_goes_on(box: Box) -> None:
    submitted = box.start("submit", "STUDY=shapes", "N=1", "ARGS=training.epochs=2000")
    eventually("a worker trains", lambda: trains(box, 1), 120.0)
    box.make("scale", "STUDY=shapes", "N=2")
    eventually("the second worker trains, too", lambda: trains(box, 2))
    box.make("stop", "STUDY=shapes")
    printed, _ = submitted.communicate(timeout=120)
    assert f"Error {exit_codes.PREEMPTED}" in printed
    assert box.workers() == []
    assert all(trial.released for trial in box.progress().running)

    resumed = box.start("resume", "STUDY=shapes", "N=1")
    eventually("a worker trains again", lambda: trains(box, 1))
    os.killpg(resumed.pid, signal.SIGINT)
    printed, _ = resumed.communicate(timeout=120)
    assert resumed.returncode != 0
    eventually("the interrupted study's workers have left", lambda: box.workers() == [])


@pytest.mark.timeout(300)
def test_what_is_wrong_with_a_study_is_one_line_and_nothing_is_started(box: Box) -> None:
    printed = box.make("submit", "STUDY=nosuch", status=exit_codes.USAGE)
    (line,) = [line for line in printed.splitlines() if line.startswith("hpo: ")]
    assert "nosuch" in line
    assert box.workers() == []
