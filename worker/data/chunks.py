"""Decodes the pictures of a source in chunks that survive an interruption.

A chunk is two files: the squares of its usable pictures, then a record of what became of each; a
chunk with a record is never decoded again. Knows nothing of processes (pool.py) and of splits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from study import atomic
from worker.data.decode import Undecodable, decode
from worker.data.fit import Fit
from worker.data.source import Source

CHUNK_PICTURES = 256  # what an interruption can cost
CHUNK_BYTES = 32 * 2**20  # held by each process


class Outcome(BaseModel):
    """What became of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str | None = None
    """Of the file's bytes; None where it cannot be read."""
    broken: str | None = None
    """Why it cannot be used."""
    change: str | None = None
    """What was converted."""


class ChunkRecord(BaseModel):
    """All files of a chunk, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class ChunkTask:
    """One chunk to decode; travels to another process."""

    source: str
    names: tuple[str, ...]
    side: int
    channels: Literal[1, 3]
    fit: Fit
    target: Path
    """Without extension."""

    @property
    def record(self) -> Path:
        """Written last."""
        return self.target.with_suffix(".json")

    @property
    def pixels(self) -> Path:
        """uint8 (usable pictures, side, side, channels)."""
        return self.target.with_suffix(".bin")


@dataclass(frozen=True)
class Chunk:
    """A decoded chunk on disk."""

    task: ChunkTask
    outcomes: tuple[Outcome, ...]

    def squares(self) -> NDArray[np.uint8]:
        """Squares of the usable pictures, memory-mapped: (usable, side, side, channels) uint8."""
        usable = sum(outcome.broken is None for outcome in self.outcomes)
        shape = (usable, self.task.side, self.task.side, self.task.channels)
        if not usable:  # an empty file cannot be mapped
            return np.empty(shape, np.uint8)
        return np.memmap(self.task.pixels, np.uint8, "r", shape=shape)


def plan(
    source: Source,
    names: Sequence[str],
    *,
    side: int,
    channels: Literal[1, 3],
    fit: Fit,
    directory: Path,
) -> list[ChunkTask]:
    """Cuts the names into chunks of bounded memory."""
    length = max(1, min(CHUNK_PICTURES, CHUNK_BYTES // (side * side * channels)))
    return [
        ChunkTask(
            source=source.place,
            names=tuple(names[start : start + length]),
            side=side,
            channels=channels,
            fit=fit,
            target=directory / f"chunk-{start // length:06d}",
        )
        for start in range(0, len(names), length)
    ]


def decode_chunk(source: Source, task: ChunkTask) -> ChunkRecord:
    """Decodes one chunk and writes it."""
    outcomes = []
    with atomic.replacing(task.pixels) as file:
        for name in task.names:
            outcome, pixels = _decode_file(source, name, task)
            outcomes.append(outcome)
            if pixels is not None:
                file.write(pixels.tobytes())
    record = ChunkRecord(outcomes=tuple(outcomes))
    atomic.write_text(task.record, record.model_dump_json())
    return record


def _decode_file(
    source: Source, name: str, task: ChunkTask
) -> tuple[Outcome, NDArray[np.uint8] | None]:
    try:
        content = source.read(name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Outcome(name=name, broken=f"cannot be read: {reason}"), None
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        square = decode(content, task.side, task.channels, task.fit)
    except Undecodable as error:
        return Outcome(name=name, sha256=sha256, broken=str(error)), None
    return Outcome(name=name, sha256=sha256, change=square.change), square.pixels


def read_record(task: ChunkTask) -> ChunkRecord | None:
    """What became of a chunk; None where it is still to be decoded."""
    try:
        record = ChunkRecord.model_validate_json(task.record.read_bytes())
        usable = sum(outcome.broken is None for outcome in record.outcomes)
        wanted = usable * task.side * task.side * task.channels
        return record if task.pixels.stat().st_size == wanted else None
    except (OSError, ValidationError):
        return None
