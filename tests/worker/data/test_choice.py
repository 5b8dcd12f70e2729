from __future__ import annotations

from pathlib import Path

import pytest
import torch

from study.config.data import DataConfig
from study.errors import DataError
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import flowers, write_tree
from worker.data import choice
from worker.data.choice import choose_loader, free_memory
from worker.data.store import Store

CPU = torch.device("cpu")
AUTO = DataConfig(source="flowers", image_size=16)
PIXELS = 8 * 16 * 16 * 3  # bytes of the train split below


@pytest.fixture
def store(pack: Pack, tmp_path: Path) -> Store:
    return pack(write_tree(tmp_path / "flowers", flowers(6)))


def test_a_cpu_has_free_memory() -> None:
    assert free_memory(CPU) > 2**20


@pytest.mark.parametrize(
    ("free", "dali", "loader", "reason"),
    [
        (2 * PIXELS, True, "resident", "fits"),
        (2 * PIXELS - 1, True, "dali", "too large"),
        (2 * PIXELS - 1, False, "torchvision", "DALI is not installed"),
    ],
)
def test_pixels_are_resident_up_to_half_of_free_memory(
    free: int, dali: bool, loader: str, reason: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "free_memory", lambda _: free)
    monkeypatch.setattr(choice, "has_dali", lambda: dali)
    found, why = choose_loader(store, "train", AUTO, CPU)
    assert found == loader
    assert reason in why


def test_a_loader_that_is_asked_for_is_taken(store: Store) -> None:
    data = AUTO.model_copy(update={"loader": "torchvision"})
    assert choose_loader(store, "train", data, CPU)[0] == "torchvision"


def test_dali_that_is_asked_for_and_missing_is_an_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "has_dali", lambda: False)
    with pytest.raises(DataError, match=r"DALI is not installed: install hpo\[dali\]"):
        choose_loader(store, "train", AUTO.model_copy(update={"loader": "dali"}), CPU)


def test_a_containers_limit_counts_its_page_cache_as_free(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 600\n")
    assert choice._cgroup_room(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert choice._cgroup_room(tmp_path) is None
    assert choice._cgroup_room(tmp_path / "nothing") is None
