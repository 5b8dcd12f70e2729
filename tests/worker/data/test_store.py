from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch

from study.config.data import DataConfig
from study.config.training import TrainingConfig
from study.errors import BadData
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import flowers, write_tree
from worker.data.batches import open_batches
from worker.data.epochs import rows_of
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


def test_a_fold_is_val_and_the_others_are_train(pack: Pack, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "beds", flowers(12))
    store = pack(source, split={"folds": 3, "test": 0.25})
    everything = set(range(store.split("test").start))
    seen = []
    for number in range(3):
        part = store.fold(number)
        train, val = (set(rows_of(part.split(split)).tolist()) for split in ("train", "val"))
        assert train | val == everything
        assert not train & val
        assert len(train) == part.split("train").size
        counts = np.bincount(store.labels[sorted(train)])
        assert tuple(counts) == part.split("train").class_counts
        seen.append(val)
    assert set.union(*seen) == everything
    assert store.fold(0).split("val") == store.split("val")
    with pytest.raises(BadData, match="no fold 3, the data set has 3 folds"):
        store.fold(3)


def test_a_fold_trains_on_every_picture_but_its_own(pack: Pack, tmp_path: Path) -> None:
    part = pack(write_tree(tmp_path / "beds", flowers(12)), split={"folds": 3}).fold(1)
    opened = open_batches(
        part,
        "train",
        data=DataConfig(source="-", image_size=16),
        training=TrainingConfig(batch_size=1),
        augment=True,
        device=torch.device("cpu"),
        threads=1,
    )
    with contextlib.closing(opened) as batches:
        labels = [int(label) for _, label in batches.epoch(0)]
    assert tuple(np.bincount(labels)) == part.split("train").class_counts
