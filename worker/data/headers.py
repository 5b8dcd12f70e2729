"""How large each picture of a source is and in which format, read from the files' headers.

Knows nothing of what is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from worker.data.decode import Header, Undecodable, header
from worker.data.source import Source

AHEAD = 256  # files read and waiting, at most


def read_headers(
    source: Source, names: Sequence[str], threads: int, advance: Callable[[int], None]
) -> list[Header]:
    """Headers of the files that have one, in order. advance: called with each number of files done.

    Reads whole files, because members of archives come whole.
    """

    def one(name: str) -> Header | None:
        try:
            return header(source.read(name))
        except (OSError, ValueError, Undecodable):
            return None  # it was quarantined, or is gone since

    found: list[Header] = []
    with ThreadPoolExecutor(threads, "read-headers") as pool:
        for start in range(0, len(names), AHEAD):
            part = names[start : start + AHEAD]
            found += [one for one in pool.map(one, part) if one is not None]
            advance(len(part))
    return found
