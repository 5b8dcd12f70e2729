"""The product as a person has it: programs, files and an embedded database."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.pictures import draw_classes

STUDY = """
name: shapes
data:
  source: pictures
  image_size: 16
model: {n_layers: 2, n_filters: [8, 8, 8, 8, 8], kernel_sizes: [3, 3, 3, 3, 3], fc_size: 32}
training: {epochs: 3, batch_size: 8, augmentation: {horizontal_flip: 0.0}}
space:
  training.learning_rate: {type: float, low: 3e-3, high: 1e-2, log: true}
search:
  pruner: {name: none}
  budget: {trials: 3}
"""


@dataclass(frozen=True)
class Desk:
    """A folder with a study, and the command line in it."""

    folder: Path
    environment: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `hpo`."""
        return subprocess.Popen(
            [sys.executable, "-m", "coordinator", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def hpo(self, *arguments: str, status: int = 0) -> str:
        """Runs `hpo`; gives what it printed."""
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=110)
        assert process.returncode == status, printed
        return printed

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / "shapes"

    def processes(self) -> list[psutil.Process]:
        """Everything that still runs for this folder."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), process.environ().get("HPO_HOME", "")]
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if any(str(self.folder) in word for word in words):
                found.append(process)
        return found


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A study of three classes; what it started is gone when the test ends."""
    with tempfile.TemporaryDirectory(prefix="hpo-e2e-") as name:
        folder = Path(name)
        draw_classes(folder / "pictures")
        (folder / "shapes.yaml").write_text(STUDY)
        environment = {key: value for key, value in os.environ.items() if key[:4] != "HPO_"}
        environment |= {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HPO_BACKEND": "local",
            "HPO_HOME": str(folder / ".hpo"),
        }
        desk = Desk(folder, environment)
        yield desk
        for process in desk.processes():
            process.kill()
