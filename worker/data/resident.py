"""Squares from the packed store: in device memory on a GPU, memory-mapped on a CPU.

A CPU's trials share the pages of one mapped file, however many run. Knows nothing of batches.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from torch import Tensor

from study.dataset import Split
from worker.data.epochs import Rows
from worker.data.store import Store


class ResidentSquares:
    """Copies a split to the device once; a batch is one gather."""

    def __init__(self, store: Store, split: Split, device: torch.device) -> None:
        self._device = device
        self._first = store.split(split).start
        part = store.pixels[self._first : store.split(split).stop]
        self._pixels: Tensor | None = torch.from_numpy(part).to(device)

    def fetch(self, plan: Sequence[Rows]) -> Generator[Tensor, None, None]:
        """See worker.data.epochs.Squares."""
        assert self._pixels is not None, "the loader is closed"
        for rows in plan:
            index = torch.from_numpy(rows - self._first).to(self._device, non_blocking=True)
            yield self._pixels.index_select(0, index)

    def close(self) -> None:
        """Frees the split's memory."""
        self._pixels = None
