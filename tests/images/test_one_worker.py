"""`docker run` of one worker: the image, the database's URL in a file, data and artifacts, and
nothing else; SIGTERM reaches the supervisor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.models.containers import Container
from docker.types import Mount

from study import exit_codes
from study.config.load import load_study
from study.progress import Progress, observe
from study.registry import RegisteredStudy, Registry
from tests.engine import worker_image
from tests.eventually import eventually
from tests.images.conftest import OTHER_USER, USER, Database, Engine, ended
from tests.pictures import draw_classes

STUDY = """
name: shapes
data: {source: pictures, image_size: 16}
model: {n_layers: 2, n_filters: [8, 8, 8, 8, 8], kernel_sizes: [3, 3, 3, 3, 3], fc_size: 32}
training: {epochs: 1000, batch_size: 8}
space: {training.learning_rate: {type: float, low: 3e-3, high: 1e-2, log: true}}
search: {pruner: {name: none}, budget: {trials: 2}}
"""


@dataclass(frozen=True)
class Prepared:
    """A registered study whose pictures are packed, by the image's own `prepare`."""

    containers: Engine
    registry: Registry
    study: RegisteredStudy
    mounts: list[Mount]

    def worker(self, user: str = USER) -> Container:
        return self.containers.start(
            worker_image(),
            user=user,
            mounts=self.mounts,
            environment={
                "HPO_STUDY": "shapes",
                "HPO_STORAGE_FILE": "/run/secrets/storage",
                "HPO_DATA": "/data",
                "HPO_ARTIFACTS": "/artifacts",
            },
        )

    def progress(self) -> Progress:
        return observe(self.registry, self.study)


@pytest.fixture
def prepared(containers: Engine, database: Database, tmp_path: Path) -> Iterator[Prepared]:
    tmp_path.chmod(0o755)
    desk, data, artifacts = (tmp_path / name for name in ("desk", "data", "artifacts"))
    for folder in (desk, data, artifacts):
        folder.mkdir()
        folder.chmod(0o777)
    draw_classes(desk / "pictures")
    (desk / "shapes.yaml").write_text(STUDY)
    volumes = [Mount("/data", str(data), type="bind"), database.file]
    packed = containers.run(
        worker_image(),
        "prepare",
        "/desk/shapes.yaml",
        environment={"HPO_DATA": "/data"},
        mounts=[Mount("/desk", str(desk), type="bind", read_only=True), *volumes],
    )
    assert packed.status == 0, packed.err
    store = json.loads(packed.out.splitlines()[-1])["store"]
    registry = Registry(database.url)
    study = registry.create(load_study(desk / "shapes.yaml", ()), store=store, workers=1)
    mounts = [Mount("/artifacts", str(artifacts), type="bind"), *volumes]
    yield Prepared(containers, registry, study, mounts)
    registry.close()


def training(prepared: Prepared) -> bool:
    prepared.containers.check()
    return any((trial.epoch or 0) >= 1 for trial in prepared.progress().running)


@pytest.mark.parametrize("user", [USER, OTHER_USER])
def test_a_worker_told_to_leave_checkpoints_and_releases_its_trial(
    prepared: Prepared, user: str
) -> None:
    worker = prepared.worker(user)
    eventually("the worker trains", lambda: training(prepared))
    worker.kill("SIGTERM")
    left = ended(worker)
    assert left.status == exit_codes.PREEMPTED, left.err
    (trial,) = prepared.progress().running
    assert trial.released


def test_a_killed_workers_trial_goes_on_in_the_next_from_its_checkpoint(prepared: Prepared) -> None:
    first = prepared.worker()
    eventually("the first worker trains", lambda: training(prepared))
    first.kill("SIGTERM")
    ended(first)
    (before,) = prepared.progress().running
    second = prepared.worker()

    def further() -> bool:
        return any(
            not trial.released and (trial.epoch or 0) > (before.epoch or 0)
            for trial in prepared.progress().running
        )

    eventually("the second worker has trained the trial further", further)
    assert [trial.number for trial in prepared.progress().running] == [before.number]
    second.kill("SIGTERM")
    assert ended(second).status == exit_codes.PREEMPTED
