"""A trial for TensorBoard: event files in its directory.

A trial that went back to an earlier checkpoint writes some epochs again; TensorBoard drops what it
had of them, because each process says from which epoch it counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from study.paths import EVENTS
from worker.tracking.tracker import Pixels, TrackedTrial, Values


class TensorBoard:
    """One event file. Starts a thread, which `end` ends."""

    def __init__(self, trial: TrackedTrial) -> None:
        self._parameters = dict(trial.parameters)
        self._writer = SummaryWriter(
            log_dir=str(trial.directory / EVENTS), purge_step=trial.first_epoch
        )

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None:
        """See Tracker."""
        for name, numbers in values.items():
            self._writer.add_histogram(name, numbers, epoch, bins="auto")

    def pictures(self, epoch: int, pixels: Pixels) -> None:
        """See Tracker."""
        self._writer.add_images("pictures", pixels, epoch, dataformats="NHWC")

    def end(self, value: float | None) -> None:
        """See Tracker. SummaryWriter.add_hparams would begin another run for it."""
        if value is not None:
            chosen = {
                name: str(value) if value is None else value
                for name, value in self._parameters.items()
            }
            file = self._writer._get_file_writer()  # type: ignore[no-untyped-call]
            for summary in hparams(chosen, {"value": value}):  # type: ignore[no-untyped-call]
                file.add_summary(summary)
            self._writer.add_scalar("value", value)
        self._writer.close()
