"""What was found best on a kind of device, and the file in which other workers, trials and restarts
find it.

Knows nothing of how it is found.
"""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from study import atomic
from worker.kind import Kind
from worker.packing.decision import Figures

log = logging.getLogger(__name__)


class SharedKind(Kind):
    """The threads are those of all trials at once."""

    sharing: str
    """How processes share the device: see sharing.py."""


class Outcome(BaseModel):
    """So many trials at once, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: SharedKind
    slots: int = Field(ge=1)
    reason: str
    measured: tuple[Figures, ...]


def read(file: Path, kind: SharedKind) -> Outcome | None:
    """The outcome that is kept for this kind; None where there is none or it cannot be read."""
    try:
        outcome = Outcome.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("packing: %s: measured again: %s", file, type(error).__name__)
        return None
    return outcome if outcome.kind == kind else None


def keep(file: Path, outcome: Outcome) -> None:
    """Raises OSError."""
    atomic.write_json(file, outcome.model_dump(mode="json"))
