"""A model's weights on disk, with a few words on where they come from.

Knows nothing of optimizers; what a trial needs to go on is in training/checkpoint.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from worker.models.sealed import Sealed, seal, unseal


@dataclass(frozen=True)
class Weights:
    """What a weights file holds."""

    state: dict[str, Tensor]
    """The model's state_dict, on the CPU."""
    meta: dict[str, Any]
    """epoch, metric, value, metrics, and what validation found (worker/evaluation/findings.py)."""


def seal_weights(stem: str, model: nn.Module, meta: dict[str, Any]) -> Sealed:
    """The file `<stem>-<checksum>.pt`, to be written."""
    return seal(stem, {"weights": model.state_dict(), "meta": meta})


def load_weights(path: Path) -> Weights:
    """Reads and verifies. Raises CheckpointCorrupt."""
    content = unseal(path)
    return Weights(state=content["weights"], meta=content["meta"])
