"""Into how many parts batches are divided to fit into a device's memory: what one trial found out
by running out of it, the next of its shape begins with.

One worker's memory, for as long as it lives. Never imports torch.
"""

from __future__ import annotations

import json
from typing import Any

from study.config.records import StudyConfig


class Parts:
    """Remembers how many pictures at once were too many, by what they go through."""

    def __init__(self, most_retries: int) -> None:
        """No batch is divided into more than 2 ** `most_retries` parts."""
        self._most = 1 << most_retries
        self._too_many: dict[str, int] = {}

    def needed(self, config: StudyConfig, retries: int) -> int:
        """For a trial that has run out of memory `retries` times, each time in half as large
        parts; the last time is remembered."""
        shape, batch = _shape(config), _largest_batch(config)
        parts = 1 << retries
        if retries:
            failed = _largest_part(batch, parts // 2)
            self._too_many[shape] = min(failed, self._too_many.get(shape, failed))
        while parts < self._most and self._are_too_many(shape, _largest_part(batch, parts)):
            parts *= 2
        return parts

    def _are_too_many(self, shape: str, pictures: int) -> bool:
        return shape in self._too_many and pictures >= self._too_many[shape]


def _largest_part(batch: int, parts: int) -> int:
    """Pictures of the largest one: rounded up."""
    return -(-batch // parts)


def _largest_batch(config: StudyConfig) -> int:
    """Of all stages."""
    return max(stage.batch_size for stage in config.training.in_stages)


def _shape(config: StudyConfig) -> str:
    """What the memory of a picture depends on, as far as a study varies it."""
    model = _without_fractions(config.model.model_dump(mode="json"))
    training = config.training
    return json.dumps([model, config.data.image_size, training.precision, training.optimizer])


def _without_fractions(values: Any) -> Any:
    """Without what is a fraction, as dropout is: it changes no shape, and no two trials have the
    same."""
    if isinstance(values, dict):
        return {name: _without_fractions(value) for name, value in sorted(values.items())}
    if isinstance(values, list):
        return [_without_fractions(value) for value in values]
    return None if isinstance(values, float) else values
