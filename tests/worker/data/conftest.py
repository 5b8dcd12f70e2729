"""What the tests of data share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.config.data import DataConfig
from study.paths import DataPaths
from worker.data.prepare import prepare
from worker.data.store import Store

Pack = Callable[..., Store]


def quiet(_done: int, _total: int) -> None:
    """Progress nobody looks at."""


def config(source: Path, **settings: Any) -> DataConfig:
    return DataConfig.model_validate({"source": str(source), "image_size": 16, **settings})


@pytest.fixture
def root(tmp_path: Path) -> DataPaths:
    """Where stores go."""
    return DataPaths(tmp_path / "hpo-data")


@pytest.fixture
def pack(root: DataPaths) -> Pack:
    """Prepares a source in this process and opens the store."""

    def packed(source: Path, **settings: Any) -> Store:
        made = prepare(config(source, **settings), root, processes=1, progress=quiet)
        return Store.open(made)

    return packed
