"""Squares decoded from the files in every epoch, one batch ahead of the training.

Fast decoders (dali_stream.py, torchvision_stream.py) do the files they are known to decode as
prepare did; the others, listed in the manifest as converted, go through Pillow again, so that both
give the packed pictures. Knows nothing of DALI and of augmentation.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from study.config.data import DataConfig
from study.errors import BadData, DataError
from worker.data.decode import Undecodable, decode, header
from worker.data.epochs import Rows
from worker.data.fit import Placement, place
from worker.data.source import open_source
from worker.data.store import Store

FAST = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG and PNG: what every fast decoder knows


class FastDecoder(Protocol):
    """Decodes plain JPEG and PNG files."""

    def decode(self, contents: Sequence[bytes], placements: Sequence[Placement]) -> Tensor:
        """(B, P, P, C) uint8 on the device. Raises RuntimeError for broken files."""
        ...

    def close(self) -> None:
        """Gives back memory and threads."""
        ...


class StreamedSquares:
    """Reads in a pool of threads; a background thread decodes the next batch meanwhile."""

    def __init__(
        self,
        store: Store,
        data: DataConfig,
        decoder: FastDecoder,
        device: torch.device,
        threads: int,
    ) -> None:
        self._manifest = store.manifest
        self._data = data
        self._decoder = decoder
        self._device = device
        try:
            self._source = open_source(store.manifest.source)
        except DataError as error:
            raise BadData(
                f"streaming reads the files the store was packed from: {error}"
            ) from error
        converted = {file.name for file in store.manifest.converted}
        self._slow = np.array([name in converted for name in store.manifest.names])
        self._shapes: dict[int, tuple[int, int]] = {}  # reading a header costs 30 microseconds
        self._readers = ThreadPoolExecutor(max(1, threads), "read-pictures")
        self._ahead = ThreadPoolExecutor(1, "decode-ahead")

    def fetch(self, plan: Sequence[Rows]) -> Generator[Tensor, None, None]:
        """See worker.data.epochs.Squares. Raises BadData where a file has changed or is gone."""
        waiting: Future[Tensor] | None = None
        try:
            for rows in [*plan, None]:
                following = self._ahead.submit(self._decode, rows) if rows is not None else None
                if waiting is not None:
                    yield waiting.result()
                waiting = following
        finally:
            if waiting is not None and not waiting.cancel():
                waiting.exception()  # left early: the decoder must be idle before its next use

    def close(self) -> None:
        """Stops the threads, closes the source."""
        self._ahead.shutdown()
        self._readers.shutdown()
        self._decoder.close()
        self._source.close()

    def _decode(self, rows: Rows) -> Tensor:
        """One batch of squares."""
        contents = list(self._readers.map(self._read, rows.tolist()))
        slow = [
            bool(self._slow[row]) or not content.startswith(FAST)
            for row, content in zip(rows, contents, strict=True)
        ]
        if any(slow):
            return self._decode_mixed(rows, contents, slow)
        return self._decode_fast(rows.tolist(), contents)

    def _decode_mixed(self, rows: Rows, contents: list[bytes], slow: list[bool]) -> Tensor:
        side, channels = self._manifest.size, self._manifest.channels
        squares = torch.empty(
            (len(rows), side, side, channels), dtype=torch.uint8, device=self._device
        )
        through_pillow = [index for index, is_slow in enumerate(slow) if is_slow]
        fast = [index for index, is_slow in enumerate(slow) if not is_slow]
        decoded = self._readers.map(
            self._decode_slowly,
            [int(rows[index]) for index in through_pillow],
            [contents[index] for index in through_pillow],
        )
        squares[through_pillow] = torch.stack(list(decoded)).to(self._device)
        if fast:
            squares[fast] = self._decode_fast(
                [int(rows[index]) for index in fast], [contents[index] for index in fast]
            )
        return squares

    def _decode_fast(self, rows: list[int], contents: list[bytes]) -> Tensor:
        placements = [
            self._place(row, content) for row, content in zip(rows, contents, strict=True)
        ]
        try:
            return self._decoder.decode(contents, placements)
        except RuntimeError as error:
            names = ", ".join(self._manifest.names[row] for row in rows[:3])
            raise BadData(f"one of {len(rows)} files from {names} on broke: {error}") from error

    def _decode_slowly(self, row: int, content: bytes) -> Tensor:
        try:
            square = decode(content, self._manifest.size, self._manifest.channels, self._data.fit)
        except Undecodable as error:
            raise self._changed(row, error) from error
        return torch.from_numpy(square.pixels.copy())

    def _read(self, row: int) -> bytes:
        try:
            return self._source.read(self._manifest.names[row])
        except (OSError, ValueError) as error:
            raise self._changed(row, error) from error

    def _place(self, row: int, content: bytes) -> Placement:
        if row not in self._shapes:
            try:
                said = header(content)
                self._shapes[row] = said.width, said.height
            except Undecodable as error:
                raise self._changed(row, error) from error
        return place(*self._shapes[row], self._manifest.size, self._data.fit)

    def _changed(self, row: int, error: Exception) -> BadData:
        name = self._manifest.names[row]
        return BadData(f"{self._manifest.source}: {name} was packed, now: {error}")
