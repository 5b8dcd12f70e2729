"""A small packed data set of real pictures, and studies on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config.data import DataConfig
from study.config.records import StudyConfig
from study.paths import DataPaths
from tests.worker.promotion import promote, train
from worker.data.prepare import prepare

BRIGHT_ROWS = {"bottom": np.s_[8:], "middle": np.s_[4:12], "top": np.s_[:8]}
PICTURES = 60  # of each class

NewStudy = Callable[..., StudyConfig]


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of gray pictures, 16 px, of which half the rows are brighter: three classes."""
    root = tmp_path_factory.mktemp("shapes")
    random = np.random.default_rng(0)
    for name, rows in BRIGHT_ROWS.items():
        (root / name).mkdir()
        for number in range(PICTURES):
            pixels = random.integers(0, 120, (16, 16), dtype=np.uint8)
            pixels[rows] += 80
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")
    return root


@pytest.fixture(scope="session")
def shapes_store(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures, packed."""
    data = DataConfig(source=str(shapes), image_size=16, channels=1)
    root = DataPaths(tmp_path_factory.mktemp("data"))
    return prepare(data, root, processes=1, progress=lambda _done, _total: None)


@pytest.fixture(scope="session")
def new_study(shapes: Path) -> NewStudy:
    """Builds a study of the pictures; keywords `model` and `training` change its defaults."""

    def build(
        *, model: dict[str, Any] | None = None, training: dict[str, Any] | None = None
    ) -> StudyConfig:
        return StudyConfig.model_validate(
            {
                "name": "shapes",
                "data": {"source": str(shapes), "image_size": 16, "channels": 1},
                "model": {"n_layers": 2, "n_filters": (16, 16), "fc_size": 32, **(model or {})},
                "training": {
                    "epochs": 2,
                    "batch_size": 2,
                    "learning_rate": 1e-3,
                    **(training or {}),
                },
                "search": {"budget": {"trials": 1}},
            }
        )

    return build


@pytest.fixture(scope="session")
def trained_study(new_study: NewStudy) -> StudyConfig:
    """What the weights of `trained` are of."""
    return new_study(training={"batch_size": 16, "precision": "float32"})


@pytest.fixture(scope="session")
def trained(
    trained_study: StudyConfig, shapes_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Weights of a model that knows the shapes, as a trial keeps them."""
    return train(trained_study, shapes_store, tmp_path_factory.mktemp("trial"))


@pytest.fixture(scope="session")
def published(
    trained_study: StudyConfig,
    shapes_store: Path,
    trained: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The same as a promoted version, measured once for all tests; copied, never changed."""
    return promote(trained_study, shapes_store, trained, tmp_path_factory.mktemp("published"))


@pytest.fixture
def promoted(published: Path, tmp_path: Path) -> Path:
    """A promoted version of the test's own."""
    return shutil.copytree(published, tmp_path / "promoted" / "0001")
