"""Real workers on a real database, to be killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy.engine import URL

from study.config.records import StudyConfig
from study.ledger import Ledger
from study.paths import DataPaths
from study.progress import Progress, observe
from study.registry import RegisteredStudy, Registry
from tests.eventually import DEADLINE, eventually
from tests.pictures import draw_classes
from worker.data.prepare import prepare

MODEL = {"n_layers": 2, "n_filters": [8, 8], "kernel_sizes": [3, 3], "fc_size": 16}
TRAINING = {"batch_size": 8, "precision": "float32"}


@dataclass
class Farm:
    """A study and its workers."""

    registry: Registry
    study: RegisteredStudy
    environment: dict[str, str]
    logs: Path
    program: Sequence[str] = (sys.executable, "-m", "worker", "run")
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, count: int = 1) -> list[subprocess.Popen[bytes]]:
        """Starts workers."""
        started = []
        for _ in range(count):
            name = f"worker-{len(self.workers)}"
            with (self.logs / f"{name}.log").open("wb") as log:
                worker = subprocess.Popen(
                    self.program,
                    env={**self.environment, "HPO_WORKER": name},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.workers.append(worker)
            started.append(worker)
        return started

    def log(self, index: int) -> str:
        return (self.logs / f"worker-{index}.log").read_text()

    def health(self, index: int, path: str) -> tuple[int, dict[str, Any]]:
        """Status and answer of a worker started with HPO_HEALTH_PORT=0; 0 before it serves."""
        ports = re.findall(r"health: port (\d+)", self.log(index))
        if not ports:
            return 0, {}
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[-1]}{path}") as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def observe(self) -> Progress:
        return observe(self.registry, self.registry.find(self.study.name))

    def ledger(self) -> Ledger:
        return Ledger(self.registry.engine, self.study.study_id, "observer")

    def descendants(self, worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
        return psutil.Process(worker.pid).children(recursive=True)

    def await_done(self, seconds: float = DEADLINE) -> None:
        eventually("the study is done", lambda: self.observe().done, seconds)

    def epochs_reported(self) -> int:
        return sum(
            1 + (trial.epoch if trial.epoch is not None else -1) for trial in self.observe().running
        )


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataPaths, Path, str]:
    """A small data set, packed: (data paths, source folder, content)."""
    root = tmp_path_factory.mktemp("pictures")
    source = draw_classes(root / "source")
    config = make_config(source, "packing", 1, 1, 5.0)
    store = prepare(
        config.data, DataPaths(root / "data"), processes=1, progress=lambda _done, _total: None
    )
    return DataPaths(root / "data"), source, store.name


def make_config(
    source: Path,
    name: str,
    trials: int,
    epochs: int,
    lease_seconds: float,
    slots: int | str = 1,
    model: Mapping[str, Any] = MODEL,
    training: Mapping[str, Any] = TRAINING,
    **search: Any,
) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": name,
            "data": {"source": str(source), "image_size": 16},
            "model": model,
            "training": {"epochs": epochs, **training},
            "space": {
                "training.learning_rate": {
                    "type": "float",
                    "low": 1e-3,
                    "high": 1e-2,
                    "log": True,
                }
            },
            "search": {"budget": {"trials": trials}, "pruner": {"name": "none"}, **search},
            "resources": {"lease_seconds": lease_seconds, "slots_per_device": slots},
        }
    )


@pytest.fixture
def farm(
    postgres_url: URL, packed: tuple[DataPaths, Path, str], tmp_path: Path
) -> Iterator[Callable[..., Farm]]:
    """Makes a study with workers that are gone when the test ends."""
    data, source, content = packed
    registry = Registry(postgres_url)
    farms: list[Farm] = []

    def make(
        *,
        trials: int,
        epochs: int,
        lease_seconds: float = 4.0,
        url: URL = postgres_url,
        **changes: Any,
    ) -> Farm:
        config = make_config(source, "chaos", trials, epochs, lease_seconds, **changes)
        study = registry.create(config, store=content, workers=1)
        environment = {
            **os.environ,
            "HPO_STORAGE": url.render_as_string(hide_password=False),
            "HPO_STUDY": study.name,
            "HPO_DATA": str(data.root),
            "HPO_ARTIFACTS": str(tmp_path / "artifacts"),
            "HPO_THREADS": "1",
        }
        farms.append(Farm(registry, study, environment, tmp_path))
        return farms[-1]

    yield make
    for each in farms:
        for worker in each.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    registry.close()
