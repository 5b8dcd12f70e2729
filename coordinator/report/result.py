"""What the best epoch's weights of one trial did on the validation split, as its worker left it.

Knows nothing of how it was measured nor of how it is drawn.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from study.errors import ObjectStoreAway, one_line
from study.mirror import fetch_missing, of_artifacts
from study.paths import MISTAKES, RESULT

log = logging.getLogger(__name__)


class ResultRecord(BaseModel):
    """Frozen; what a later release adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ClassResult(ResultRecord):
    """How one class was recognised."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Pictures of the class."""


class Mistake(ResultRecord):
    """A picture that was taken for another class."""

    name: str
    """Its file inside the source."""
    true: str
    predicted: str
    confidence: float
    """In the wrong answer, in [0, 1]."""


class Result(ResultRecord):
    """One trial's `result.json`."""

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Pictures: rows are true classes, columns predicted ones."""
    per_class: dict[str, ClassResult]
    low_support: tuple[str, ...]
    """Classes with too few pictures for their figures to mean much."""
    metrics: dict[str, float | None]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of a trial's end."""

    result: Result | None
    missing: str
    """Why there is no result; empty where there is one."""
    mistakes_picture: bytes | None
    """PNG."""


def kept(directory: Path) -> Kept:
    """Reads a trial's directory, or its copy in the object store."""
    try:
        for name in (RESULT, MISTAKES):
            fetch_missing(of_artifacts(), directory / name)
        result = Result.model_validate_json((directory / RESULT).read_bytes())
    except FileNotFoundError:
        return Kept(result=None, missing="not kept", mistakes_picture=None)
    except (OSError, ObjectStoreAway, ValidationError) as error:
        missing = f"cannot be read: {directory / RESULT}: {one_line(str(error))}"
        log.warning(missing)
        return Kept(result=None, missing=missing, mistakes_picture=None)
    picture = directory / MISTAKES
    return Kept(
        result=result,
        missing="",
        mistakes_picture=picture.read_bytes() if picture.is_file() else None,
    )
