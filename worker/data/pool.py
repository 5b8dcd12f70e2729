"""Decodes chunks in a pool of processes that never outlives the one that started it.

Knows nothing of what a chunk holds (chunks.py).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from worker.data.chunks import Chunk, ChunkRecord, ChunkTask, decode_chunk, read_record
from worker.data.source import Source, open_source

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""


def decode_all(
    source: Source, tasks: Sequence[ChunkTask], processes: int, progress: Progress
) -> list[Chunk]:
    """Decodes the chunks that are not there yet. Raises OSError where the disk is full, and
    concurrent.futures.process.BrokenProcessPool where a process died."""
    total = sum(len(task.names) for task in tasks)
    records = {task: record for task in tasks if (record := read_record(task)) is not None}
    todo = [task for task in tasks if task not in records]
    done = total - sum(len(task.names) for task in todo)
    progress(done, total)
    for task, record in _run(source, todo, processes):
        records[task] = record
        done += len(task.names)
        progress(done, total)
    return [Chunk(task, records[task].outcomes) for task in tasks]


def _run(
    source: Source, todo: list[ChunkTask], processes: int
) -> Iterator[tuple[ChunkTask, ChunkRecord]]:
    processes = min(processes, len(todo))
    if processes <= 1:  # starting processes would cost more than it brings
        yield from ((task, decode_chunk(source, task)) for task in todo)
        return
    # Spawned: this process may have threads, and a fork copies the locks they hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start_process, (source.place,)) as pool:
        futures = {pool.submit(_decode_in_process, task): task for task in todo}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_process_source: Source | None = None  # a pool process opens its source once, not for every chunk


def _start_process(place: str) -> None:
    global _process_source
    _process_source = open_source(place)
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
