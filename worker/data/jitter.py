"""Which changes of colour the pictures of a batch get: jitter and equalisation.

torchvision's ColorJitter draws the order of its four operations, too; here it is fixed, so that
each is done once for the whole batch. Knows nothing of pixels (colour.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from study.config.augmentation import AugmentationConfig
from worker.data.colour import Change
from worker.data.draws import Span


def draw_jitter(config: AugmentationConfig, span: Span) -> Iterator[Change]:
    """In the order in which they are done."""
    ranges = (
        ("brightness", 1.0, config.brightness),
        ("contrast", 1.0, config.contrast),
        ("saturation", 1.0, config.saturation),
        ("hue", 0.0, config.hue),
    )
    if not (config.equalise or any(most for _, _, most in ranges)):
        return  # numbers for nothing would cost 2 % of a small batch
    numbers = span.numbers("jitter", 5)
    for column, (operation, middle, most) in enumerate(ranges):
        if most > 0.0:
            strengths = middle + most * (2 * numbers[:, column] - 1)
            yield Change(operation, np.arange(span.count), strengths)
    rows = np.flatnonzero(numbers[:, 4] < config.equalise)
    if len(rows):
        yield Change("equalise", rows, np.zeros(len(rows)))
