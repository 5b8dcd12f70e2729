"""Pictures as the squares a model is fed with, a batch in memory at a time.

From a packed data set, or from files that are decoded in threads; not while the model has a batch,
which would hold two and on a CPU wins nothing. A picture that cannot be read is set aside with its
reason; the others come. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from study.dataset import Split
from study.errors import one_line
from worker.data.decode import Undecodable
from worker.data.store import Store

BATCH = 64  # pictures decoded and inferred at once
Square = NDArray[np.uint8]
Batch = tuple[list[int], Square]
"""Numbers of pictures, and their squares (B, P, P, C) uint8."""


class Squares(Protocol):
    """Pictures by their number, from 0. Used by one thread."""

    unreadable: dict[int, str]
    """Why, of each picture that was asked for and cannot be read."""

    @property
    def names(self) -> Sequence[str]:
        """Of all pictures."""
        ...

    def batches(self, numbers: Sequence[int]) -> Iterator[Batch]:
        """Squares of these pictures, in their order; without those that cannot be read."""
        ...


class PackedSquares:
    """A split of a packed data set."""

    def __init__(self, store: Store, split: Split) -> None:
        """Raises BadData for a split it has not."""
        rows = store.split(split)
        self.names: Sequence[str] = store.manifest.names[rows.start : rows.stop]
        self.labels = store.labels[rows.start : rows.stop].tolist()
        self.unreadable: dict[int, str] = {}
        self._pixels = store.pixels[rows.start : rows.stop]

    def batches(self, numbers: Sequence[int]) -> Iterator[Batch]:
        """See Squares."""
        for part in _parts(numbers):
            yield part, self._pixels[part]


class FileSquares:
    """Pictures that are files, wherever they are read from."""

    def __init__(
        self,
        names: Sequence[str],
        read: Callable[[str], bytes],
        decode: Callable[[bytes], Square],
        threads: int,
    ) -> None:
        """read: a file's bytes; raises OSError or ValueError. decode: raises Undecodable. Both are
        called from several threads at once."""
        self.names: Sequence[str] = names
        self.unreadable: dict[int, str] = {}
        self._read = read
        self._decode = decode
        self._threads = threads

    def batches(self, numbers: Sequence[int]) -> Iterator[Batch]:
        """See Squares."""
        with ThreadPoolExecutor(self._threads, "decode-pictures") as pool:
            for part in _parts(numbers):
                found, pixels = self._decoded(part, pool)
                if found:
                    yield found, pixels
                del pixels  # before the next batch is decoded

    def _decoded(self, part: list[int], pool: ThreadPoolExecutor) -> Batch:
        """Those of a batch that can be read."""
        found: dict[int, Square] = {}
        for number, square in zip(part, pool.map(self._square, part), strict=True):
            if isinstance(square, str):
                self.unreadable[number] = square
            else:
                found[number] = square
        squares = list(found.values())
        return list(found), np.stack(squares) if squares else np.empty(0, np.uint8)

    def _square(self, number: int) -> Square | str:
        """The square, or why there is none."""
        try:
            return self._decode(self._read(self.names[number]))
        except OSError as error:
            return error.strerror or str(error)
        except (Undecodable, ValueError) as error:
            return one_line(str(error))


def _parts(numbers: Sequence[int]) -> list[list[int]]:
    return [list(numbers[start : start + BATCH]) for start in range(0, len(numbers), BATCH)]
