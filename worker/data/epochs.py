"""Epochs of batches over packed squares: order, augmentation, normalisation.

Every loader shares this and differs only in where its squares come from (`Squares`). Knows nothing
of files and decoders.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from study.config.training import TrainingConfig
from study.dataset import Split, SplitRange
from worker.data.augment import Augmenter, Normaliser, whole
from worker.data.draws import draw_balanced_order, draw_order
from worker.data.store import Store

Rows = NDArray[np.int64]


class Squares(Protocol):
    """Packed squares by their row of the store; not safe for two iterations at once."""

    def fetch(self, plan: Sequence[Rows]) -> Generator[Tensor, None, None]:
        """Squares of one batch after the other: (B, P, P, C) uint8 on the device.

        plan: rows of each batch. The generator is closed where it is left early.
        """
        ...

    def close(self) -> None:
        """Gives back memory, threads and files."""
        ...


class Epochs:
    """Implements worker.data.batches.Batches over any squares."""

    def __init__(
        self,
        squares: Squares,
        store: Store,
        split: Split,
        *,
        training: TrainingConfig,
        size: int,
        augment: bool,
        device: torch.device,
    ) -> None:
        self._squares = squares
        self._store = store
        self._split: Split = split
        self.rows = rows_of(store.split(split))
        self._training = training
        self._size = size
        self._augment = augment
        self._normalise = Normaliser(store.manifest.mean, store.manifest.std, device)
        self._augmenter = Augmenter(
            training.augmentation,
            seed=training.seed,
            size=size,
            n_classes=store.manifest.n_classes,
            normalise=self._normalise,
        )
        self._classes = store.labels
        self._labels = torch.from_numpy(store.labels.astype(np.int64)).to(device)
        self._device = device
        batch, total = training.batch_size, len(self.rows)
        # A partial last batch would give its pictures more weight; the next epoch has others.
        self.steps = max(1, total // batch) if augment else -(-total // batch)
        self.images = min(total, self.steps * batch)

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """See worker.data.batches.Batches."""
        batch = self._training.batch_size
        order = self.rows[self._order(epoch)[: self.images]]
        plan = [order[step * batch : (step + 1) * batch] for step in range(start_step, self.steps)]
        fetched = self._squares.fetch(plan)
        with closing(fetched):
            for step, (rows, pixels) in enumerate(zip(plan, fetched, strict=True), start_step):
                labels = self._labels[torch.from_numpy(rows).to(self._device)]
                if self._augment:
                    yield self._augmenter(pixels, labels, epoch, step * batch)
                else:
                    yield self._normalise(whole(pixels, self._size)), labels

    def for_training(self, training: TrainingConfig) -> Epochs:
        """See worker.data.batches.Batches."""
        return Epochs(
            self._squares,
            self._store,
            self._split,
            training=training,
            size=self._size,
            augment=self._augment,
            device=self._device,
        )

    def close(self) -> None:
        """See worker.data.batches.Batches."""
        self._squares.close()

    def _order(self, epoch: int) -> Rows:
        """Positions in the split."""
        seed = self._training.seed
        if not self._augment:
            return np.arange(len(self.rows), dtype=np.int64)
        if self._training.sampling == "balanced":
            return draw_balanced_order(seed, epoch, self._classes[self.rows])
        return draw_order(seed, epoch, len(self.rows))


def rows_of(part: SplitRange) -> Rows:
    """The split's rows of the store, (N,) in order."""
    rows = np.arange(part.start, part.stop, dtype=np.int64)
    if part.without is None:
        return rows
    start, stop = part.without
    return rows[(rows < start) | (rows >= stop)]
