"""Decodes pictures with torchvision on the CPU's cores, where DALI is not installed.

Geometry comes from outside so that torchvision makes the same squares as prepare. Knows nothing of
files, order and augmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.v2 import functional

from worker.data.fit import Placement


class TorchvisionDecoder:
    """A picture a thread: decoding and resizing release the interpreter's lock."""

    def __init__(self, side: int, channels: int, device: torch.device, threads: int) -> None:
        self._side = side
        self._mode = ImageReadMode.RGB if channels == 3 else ImageReadMode.GRAY
        self._device = device
        self._pool = ThreadPoolExecutor(max(1, threads), "decode-pictures")

    def decode(self, contents: Sequence[bytes], placements: Sequence[Placement]) -> Tensor:
        """See worker.data.streamed.FastDecoder."""
        squares = torch.stack(list(self._pool.map(self._square, contents, placements)))
        return squares.permute(0, 2, 3, 1).contiguous().to(self._device)

    def close(self) -> None:
        """Stops the threads."""
        self._pool.shutdown()

    def _square(self, content: bytes, placement: Placement) -> Tensor:
        """(C, side, side) uint8."""
        encoded = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        picture: Tensor = decode_image(encoded, self._mode)
        left, top, right, bottom = placement.box
        width, height = placement.size
        part: Tensor = functional.resize(
            picture[:, top:bottom, left:right], [height, width], antialias=True
        )
        if placement.size == (self._side, self._side):
            return part
        x, y = placement.offset
        square = part.new_zeros((len(part), self._side, self._side))
        square[:, y : y + height, x : x + width] = part
        return square
