"""Decodes pictures with NVIDIA DALI: on the CPU's cores, or hybrid CPU and GPU where there is one.

Geometry comes from outside so that DALI makes the same squares as prepare. Knows nothing of files,
order and augmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from nvidia.dali import fn, types
from nvidia.dali.pipeline import Pipeline
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from worker.data.fit import Placement


class DaliDecoder:
    """One pipeline: decode, resize a region, pad to the square."""

    def __init__(
        self, side: int, channels: int, batch_size: int, device: torch.device, threads: int
    ) -> None:
        on_gpu = device.type == "cuda"
        # Depth 1: the batch ahead is kept by the caller, and a queue could not be left early.
        self._pipeline = Pipeline(
            batch_size=batch_size,
            num_threads=max(1, threads),
            device_id=(device.index or 0) if on_gpu else None,
            prefetch_queue_depth=1,
        )
        with self._pipeline:
            self._pipeline.set_outputs(_graph(side, channels, "mixed" if on_gpu else "cpu"))
        self._pipeline.build()

    def decode(self, contents: Sequence[bytes], placements: Sequence[Placement]) -> Tensor:
        """See worker.data.streamed.FastDecoder."""
        boxes = np.array([placement.box for placement in placements], np.float32)
        sizes = np.array([placement.size[::-1] for placement in placements], np.float32)
        offsets = np.array([placement.offset[::-1] for placement in placements], np.int32)
        feed = self._pipeline.feed_input
        feed("encoded", [np.frombuffer(content, np.uint8) for content in contents])
        feed("start", np.ascontiguousarray(boxes[:, 1::-1]))
        feed("end", np.ascontiguousarray(boxes[:, :1:-1]))
        feed("size", sizes)
        feed("shift", -offsets)
        (squares,) = self._pipeline.run()
        # Copied: the pipeline writes its next batch into the same memory.
        return from_dlpack(squares.as_tensor()).clone()

    def close(self) -> None:
        """Frees the pipeline with its threads and buffers."""
        del self._pipeline


def _graph(side: int, channels: int, decoder: str) -> Any:
    """(side, side, channels) uint8 for each picture; inputs are fed by name."""
    encoded = fn.external_source(name="encoded", dtype=types.UINT8, ndim=1)
    start = fn.external_source(name="start", dtype=types.FLOAT, ndim=1)  # top, left
    end = fn.external_source(name="end", dtype=types.FLOAT, ndim=1)  # bottom, right
    size = fn.external_source(name="size", dtype=types.FLOAT, ndim=1)  # height, width
    shift = fn.external_source(name="shift", dtype=types.INT32, ndim=1)  # minus top, minus left
    pictures = fn.decoders.image(
        encoded,
        device=decoder,
        output_type=types.RGB if channels == 3 else types.GRAY,
        jpeg_fancy_upsampling=True,  # as libjpeg does it for Pillow
    )
    resized = fn.resize(
        pictures,
        size=size,
        roi_start=start,
        roi_end=end,
        interp_type=types.INTERP_LINEAR,
        antialias=True,
    )
    return fn.slice(
        resized,
        start=shift,
        shape=[side, side],
        axes=[0, 1],
        out_of_bounds_policy="pad",
        fill_values=0,
    )
