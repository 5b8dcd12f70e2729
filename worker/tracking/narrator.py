"""Tells all trackers of a trial what happens in it.

Knows nothing of when an epoch ends and of how a tracker tells it on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.config.tracking import Detail
from worker.tracking.choice import open_trackers
from worker.tracking.glimpse import histograms, pictures
from worker.tracking.tracker import TrackedTrial

FirstBatch = Callable[[int], tuple[Tensor, Tensor]]
"""The first batch of an epoch, as it is trained on."""

log = logging.getLogger(__name__)


class Narrator:
    """Used by one thread at a time, which with details is the one that trains. Nothing raises;
    `end` takes seconds."""

    def __init__(
        self,
        config: StudyConfig,
        trial: TrackedTrial,
        *,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        """mean, std: that pictures are normalised by, per channel."""
        self._trackers = open_trackers(config, trial)
        self._details: Sequence[Detail] = config.tracking.details if self._trackers else ()
        self._normalised = mean, std
        self._pictures_due = "pictures" in self._details
        self._watched: tuple[nn.Module, FirstBatch] | None = None

    @contextmanager
    def watching(self, model: nn.Module, first_batch: FirstBatch) -> Iterator[None]:
        """What is looked into meanwhile; afterwards its memory can be freed."""
        self._watched = model, first_batch
        try:
            yield
        finally:
            self._watched = None

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """An epoch is done."""
        for tracker in self._trackers:
            tracker.scalars(epoch, metrics)
        if self._details and self._watched is not None:
            try:
                self._look(epoch, *self._watched)
            except (RuntimeError, ValueError) as error:  # out of memory, or a model of another kind
                log.warning("tracking.details: left out from now on: %s", error)
                self._details = ()

    def end(self, value: float | None) -> None:
        """The trial is over: with this value, or without one here."""
        for tracker in self._trackers:
            tracker.end(value)

    def _look(self, epoch: int, model: nn.Module, first_batch: FirstBatch) -> None:
        batch = first_batch(epoch)
        inside = histograms(model, batch, self._details)
        for tracker in self._trackers:
            if inside:
                tracker.histograms(epoch, inside)
            if self._pictures_due:
                tracker.pictures(epoch, pictures(batch[0], *self._normalised))
        self._pictures_due = False


def parameters(config: StudyConfig) -> dict[str, Scalar | None]:
    """What the search chose, by dotted path, read from a configuration that is filled in."""
    values = config.model_dump(mode="json")
    found: dict[str, Scalar | None] = {}
    for path in config.space:
        value = values
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value.get(key, {})
        if not isinstance(value, dict):  # of a kind of model that this trial does not have
            found[path] = value
    return found
