"""What the training loop sees of data: batches on the device, ready for the model.

The seam over three loaders, resident (resident.py), DALI (dali_stream.py) and torchvision
(torchvision_stream.py); they give the same pictures in the same order. Knows nothing of training.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from study.config.data import DataConfig
from study.config.training import TrainingConfig
from study.dataset import Split
from worker.data.choice import choose_loader
from worker.data.epochs import Epochs, Squares
from worker.data.store import Store
from worker.data.streamed import FastDecoder, StreamedSquares

log = logging.getLogger(__name__)


class Batches(Protocol):
    """Owned by one thread; one epoch is iterated at a time, and may be left early."""

    steps: int
    """Batches of an epoch."""
    images: int
    """Pictures of an epoch."""
    rows: NDArray[np.int64]
    """The split's rows of the store; an epoch without augmentation has them in this order."""

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of an epoch from `start_step` on, the same whether or not those before were read.

        Yields images (B, C, S, S) float32, normalised, channels_last, and labels (B,) int64, or
        shares of all classes (B, n_classes) float32 where training pictures are blended; both on
        the device. Raises BadData where a file that is streamed has changed.
        """
        ...

    def for_training(self, training: TrainingConfig) -> Batches:
        """The same pictures in the batches and with the augmentation of `training`. Shares what
        this one has open, and is not closed by itself."""
        ...

    def close(self) -> None:
        """Gives back memory, threads and files."""
        ...


def open_batches(
    store: Store,
    split: Split,
    *,
    data: DataConfig,
    training: TrainingConfig,
    augment: bool,
    device: torch.device,
    threads: int,
) -> Batches:
    """Opens a split.

    augment: a new order in every epoch, what training.augmentation says, and no partial last batch
    unless it is the only one; otherwise every whole picture once, in the order of the store.
    threads: for decoding. Raises BadData for a missing split or source, DataError for a missing
    loader.
    """
    return Epochs(
        _squares(store, split, data, largest_batch(training), device, threads),
        store,
        split,
        training=training,
        size=data.image_size,
        augment=augment,
        device=device,
    )


def largest_batch(training: TrainingConfig) -> int:
    """Of all stages: what a decoder must have room for."""
    return max(training.batch_size, *(stage.batch_size for stage in training.in_stages))


def _squares(
    store: Store,
    split: Split,
    data: DataConfig,
    batch_size: int,
    device: torch.device,
    threads: int,
) -> Squares:
    """Loaders are imported where they are used: DALI takes a second and may be missing."""
    loader, reason = choose_loader(store, split, data, device)
    log.info("%s pictures: %s: %s", split, loader, reason)
    if loader == "resident":
        from worker.data.resident import ResidentSquares

        return ResidentSquares(store, split, device)
    side, channels = store.manifest.size, store.manifest.channels
    decoder: FastDecoder
    if loader == "dali":
        from worker.data.dali_stream import DaliDecoder

        decoder = DaliDecoder(side, channels, batch_size, device, threads)
    else:
        from worker.data.torchvision_stream import TorchvisionDecoder

        decoder = TorchvisionDecoder(side, channels, device, threads)
    return StreamedSquares(store, data, decoder, device, threads)
