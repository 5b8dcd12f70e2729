"""Decodes all pictures of a source in a pool of processes, in chunks that survive an interruption.

A chunk is two files: the squares of its usable pictures, then a record of what became of each; a
chunk with a record is never decoded again. Knows nothing of splits.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from study import atomic
from worker.data.decode import Undecodable, decode
from worker.data.fit import Fit
from worker.data.source import Source, open_source

CHUNK_PICTURES = 256  # what an interruption can cost
CHUNK_BYTES = 32 * 2**20  # held by each process

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""


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

    source: Path
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
            source=source.path,
            names=tuple(names[start : start + length]),
            side=side,
            channels=channels,
            fit=fit,
            target=directory / f"chunk-{start // length:06d}",
        )
        for start in range(0, len(names), length)
    ]


def decode_all(
    source: Source, tasks: Sequence[ChunkTask], processes: int, progress: Progress
) -> list[Chunk]:
    """Decodes the chunks that are not there yet. Raises OSError where the disk is full."""
    total = sum(len(task.names) for task in tasks)
    records = {task: record for task in tasks if (record := _read_record(task)) is not None}
    todo = [task for task in tasks if task not in records]
    done = total - sum(len(task.names) for task in todo)
    progress(done, total)
    for task, record in _run(source, todo, processes):
        records[task] = record
        done += len(task.names)
        progress(done, total)
    return [Chunk(task, records[task].outcomes) for task in tasks]


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


def _read_record(task: ChunkTask) -> ChunkRecord | None:
    """None where the chunk is still to be decoded."""
    try:
        record = ChunkRecord.model_validate_json(task.record.read_bytes())
        usable = sum(outcome.broken is None for outcome in record.outcomes)
        wanted = usable * task.side * task.side * task.channels
        return record if task.pixels.stat().st_size == wanted else None
    except (OSError, ValidationError):
        return None


def _run(
    source: Source, todo: list[ChunkTask], processes: int
) -> Iterator[tuple[ChunkTask, ChunkRecord]]:
    processes = min(processes, len(todo))
    if processes <= 1:  # starting processes would cost more than it brings
        yield from ((task, decode_chunk(source, task)) for task in todo)
        return
    # Spawned: this process may have threads, and a fork copies the locks they hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start_process, (source.path,)) as pool:
        futures = {pool.submit(_decode_in_process, task): task for task in todo}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_process_source: Source | None = None  # a pool process opens its source once, not for every chunk


def _start_process(path: Path) -> None:
    global _process_source
    _process_source = open_source(path)
    # Pillow warns of oddities in files that it can decode all the same; what matters is recorded.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A pool process waits on a queue whose writing end it holds itself: it would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _decode_in_process(task: ChunkTask) -> ChunkRecord:
    assert _process_source is not None
    return decode_chunk(_process_source, task)
