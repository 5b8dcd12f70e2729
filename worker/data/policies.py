"""RandAugment and TrivialAugment: each picture gets operations drawn from one list.

    Cubuk et al., RandAugment, https://arxiv.org/abs/1909.13719
    Müller and Hutter, TrivialAugment, https://arxiv.org/abs/2103.10158 (its wide list)

Operations and strengths are torchvision's, which takes one picture at a time. What differs: what
moves a picture is put together into one sampling before its colours are changed, shears are around
the centre, and TrivialAugment's shifts are 32 pixels of 224, whatever the picture's size. Knows
nothing of pixels (geometry.py, colour.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.config.augmentation import AugmentationConfig
from worker.data.affine import Matrices, Numbers, sheared, shifted, turned
from worker.data.colour import Change
from worker.data.draws import Span

BINS = 30  # the strongest magnitude, of both policies


@dataclass(frozen=True)
class Operation:
    """Its strength is interpolated between the weakest and the strongest."""

    weakest: float
    randaugment: float
    """The strongest, there."""
    trivialaugment: float
    """The strongest, there."""
    signed: bool = False
    """Half of them go the other way from the weakest."""
    whole: bool = False
    """Rounded."""


_FACTOR = Operation(1.0, 1.9, 1.99, signed=True)
_SHEAR = Operation(0.0, 0.3, 0.99, signed=True)  # tangent of the angle
_SHIFT = Operation(0.0, 150 / 331, 32 / 224, signed=True)  # fraction of the side
_NOTHING = Operation(0.0, 0.0, 0.0)
OPERATIONS: Mapping[str, Operation] = {
    "identity": _NOTHING,
    "shear_x": _SHEAR,
    "shear_y": _SHEAR,
    "translate_x": _SHIFT,
    "translate_y": _SHIFT,
    "rotate": Operation(0.0, 30.0, 135.0, signed=True),  # degrees
    "brightness": _FACTOR,
    "saturation": _FACTOR,
    "contrast": _FACTOR,
    "sharpness": _FACTOR,
    "posterise": Operation(8.0, 4.0, 2.0, whole=True),  # bits
    "solarise": Operation(1.0, 0.0, 0.0),  # threshold
    "autocontrast": _NOTHING,
    "equalise": _NOTHING,
}
MOTIONS: Mapping[str, Callable[[Numbers], Matrices]] = {
    "shear_x": lambda strengths: sheared(strengths, 0 * strengths),
    "shear_y": lambda strengths: sheared(0 * strengths, strengths),
    "translate_x": lambda strengths: shifted(strengths, 0 * strengths),
    "translate_y": lambda strengths: shifted(0 * strengths, strengths),
    "rotate": turned,
}


@dataclass(frozen=True)
class Drawn:
    """What the pictures of a batch get."""

    motion: Matrices
    changes: tuple[Change, ...]
    """In the order in which they are done."""


def draw_policy(config: AugmentationConfig, span: Span) -> Drawn | None:
    """None where there is no policy."""
    if config.policy == "none":
        return None
    rounds = config.operations if config.policy == "randaugment" else 1
    numbers = span.numbers("policy", 3 * rounds).reshape(span.count, rounds, 3)
    motion = shifted(np.zeros(span.count), np.zeros(span.count))
    changes: list[Change] = []
    for number in range(rounds):
        chosen = (numbers[:, number, 0] * len(OPERATIONS)).astype(np.int64)
        for index, name in enumerate(OPERATIONS):
            rows = np.flatnonzero(chosen == index)
            if name == "identity" or len(rows) == 0:
                continue
            strengths = _strengths(config, OPERATIONS[name], numbers[rows, number, 1:])
            if name in MOTIONS:
                motion[rows] = MOTIONS[name](strengths) @ motion[rows]
            else:
                changes.append(Change(name, rows, strengths))
    return Drawn(motion, tuple(changes))


def _strengths(
    config: AugmentationConfig, operation: Operation, numbers: NDArray[np.float64]
) -> Numbers:
    """numbers: (n, 2), for the sign and the magnitude."""
    if config.policy == "randaugment":
        part, strongest = np.full(len(numbers), config.magnitude / BINS), operation.randaugment
    else:
        part, strongest = np.floor(numbers[:, 1] * (BINS + 1)) / BINS, operation.trivialaugment
    beyond = part * (strongest - operation.weakest)
    if operation.signed:
        beyond = np.where(numbers[:, 0] < 0.5, -beyond, beyond)
    strengths = operation.weakest + beyond
    return np.rint(strengths) if operation.whole else strengths
