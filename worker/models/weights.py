"""A model's weights on disk, with a few words on where they come from.

Knows nothing of optimizers; what a trial needs to go on is in training/checkpoint.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from worker.models.sealed import seal, unseal


@dataclass(frozen=True)
class Weights:
    """What a weights file holds."""

    state: dict[str, Tensor]
    """The model's state_dict, on the CPU."""
    meta: dict[str, Any]
    """epoch, metric, value, metrics, and what validation found (worker/evaluation/findings.py)."""


def save_weights(
    directory: Path, stem: str, state: Mapping[str, Tensor], meta: dict[str, Any]
) -> str:
    """Writes a model's state_dict to `<stem>-<checksum>.pt` and returns that name. Raises
    OSError."""
    return seal(directory, stem, {"weights": state, "meta": meta})


def load_weights(path: Path) -> Weights:
    """Reads and verifies. Raises CheckpointCorrupt."""
    content = unseal(path)
    return Weights(state=content["weights"], meta=content["meta"])
