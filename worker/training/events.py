"""A trial's learning curves for TensorBoard.

Knows nothing of what the scalars mean; the horizontal axis is the epoch.
"""

from __future__ import annotations

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from worker.training.progress import EpochResult


class Events:
    """One event file of one trial's process. Starts a thread; close it.

    A trial that went back to an earlier checkpoint writes some epochs again; TensorBoard drops what
    it had of them, because the first result of each process says from where it counts.
    """

    def __init__(self, directory: Path) -> None:
        """Nothing is written before the first result."""
        self._directory = directory
        self._writer: SummaryWriter | None = None

    def add(self, result: EpochResult) -> None:
        """Writes one epoch. Raises OSError, for example of a full disk."""
        if self._writer is None:
            self._writer = SummaryWriter(log_dir=str(self._directory), purge_step=result.epoch)
        for name, value in result.metrics.items():
            self._writer.add_scalar(name, value, result.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Ends the thread."""
        if self._writer is not None:
            self._writer.close()
