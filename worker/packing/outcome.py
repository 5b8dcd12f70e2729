"""What was found best on a kind of device, and the file in which other workers, trials and restarts
find it.

Knows nothing of how it is found.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from study import atomic
from worker.packing.decision import Figures

log = logging.getLogger(__name__)


class Kind(BaseModel):
    """What the outcome depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: str
    """Of the study: what is trained."""
    device: str
    """As its maker calls it."""
    sharing: str
    """How processes share it: see sharing.py."""
    threads: int
    """Of the CPU, for all at once."""
    torch: str
    """Its version."""

    @property
    def name(self) -> str:
        """For a file."""
        told = f"{self.device} {self.sharing} {self.threads} threads torch {self.torch}"
        words = re.sub(r"[^a-z0-9.]+", "-", told.lower()).strip("-")
        return f"{words}-{self.identity[:16]}"


class Outcome(BaseModel):
    """So many trials at once, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Kind
    slots: int = Field(ge=1)
    reason: str
    measured: tuple[Figures, ...]


def read(file: Path, kind: Kind) -> Outcome | None:
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
