from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from study.errors import BadData
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import flowers, write_tree
from worker.data.store import Store


@pytest.fixture
def store(pack: Pack, tmp_path: Path) -> Store:
    return pack(write_tree(tmp_path / "flowers", flowers(6)), split={"test": 0.0})


def test_pixels_and_labels_have_a_row_for_each_picture(store: Store) -> None:
    assert store.pixels.shape == (12, 16, 16, 3)
    assert store.pixels.dtype == np.uint8
    assert store.labels.shape == (12,)
    assert store.labels.dtype == np.int32


def test_a_truncated_store_is_refused(store: Store) -> None:
    pixels = store.path / "pixels.bin"
    pixels.write_bytes(pixels.read_bytes()[:-1])
    with pytest.raises(BadData, match=r"pixels\.bin: must be 9216 bytes by its manifest, got 9215"):
        Store.open(store.path)


@pytest.mark.parametrize("name", ["pixels.bin", "labels.bin", "manifest.json"])
def test_a_store_with_a_missing_file_is_refused(name: str, store: Store) -> None:
    (store.path / name).unlink()
    with pytest.raises(BadData, match=r"missing|not a packed data set"):
        Store.open(store.path)


def test_a_split_that_is_not_there_is_named(store: Store) -> None:
    assert store.split("val").size == 2
    with pytest.raises(BadData, match="no test split, the data set has train, val"):
        store.split("test")


@pytest.mark.parametrize("name", ["pixels", "labels"])
def test_a_store_that_goes_after_it_was_opened_is_bad_data(name: str, store: Store) -> None:
    opened = Store.open(store.path)
    (store.path / f"{name}.bin").unlink()
    with pytest.raises(BadData, match="gone"):
        getattr(opened, name)
