"""However many epochs a loader is read, it needs no more memory."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import pytest
import torch

from study.config.data import DataConfig
from study.config.training import TrainingConfig
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import jpeg, write_zip
from tests.worker.data.test_batches import LOADERS
from worker.data.batches import open_batches

SIZE = 64  # pixels
PICTURES = 32
WARM_EPOCHS, EPOCHS = 10, 50
ONE_BATCH_AN_EPOCH = EPOCHS * 16 * SIZE * SIZE * 3  # bytes: what the smallest leak would add


@pytest.mark.parametrize("loader", LOADERS)
def test_fifty_epochs_need_no_more_memory_than_ten(loader: str, pack: Pack, tmp_path: Path) -> None:
    files = {f"{n % 2}/{n}.jpg": jpeg(n, 160, 120) for n in range(PICTURES)}
    store = pack(write_zip(tmp_path / "pictures.zip", files), image_size=SIZE)
    batches = open_batches(
        store,
        "train",
        data=DataConfig.model_validate({"source": "-", "image_size": SIZE, "loader": loader}),
        training=TrainingConfig(batch_size=16),
        augment=True,
        device=torch.device("cpu"),
        threads=2,
    )

    def resident_after(epochs: range) -> int:
        """Bytes."""
        for epoch in epochs:
            for _ in batches.epoch(epoch):
                pass
        gc.collect()
        return psutil.Process().memory_info().rss

    warm = resident_after(range(WARM_EPOCHS))
    grown = resident_after(range(WARM_EPOCHS, WARM_EPOCHS + EPOCHS)) - warm
    batches.close()
    assert grown < ONE_BATCH_AN_EPOCH
