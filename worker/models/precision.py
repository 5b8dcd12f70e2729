"""Which number format a model's layers compute in, on which device.

Knows nothing of the model; weights, gradients and the loss stay float32 throughout.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16", "float16"]

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The format `precision` means on `device`.

    auto on a GPU: bfloat16 where it has it in hardware, else float16, which needs loss scaling.
    auto on a CPU: bfloat16 where the CPU multiplies it in hardware (AVX512-BF16 or AMX), else
    float32. With AMX, one thread and a batch of 64 a DynamicCNN of 2-4 blocks trains 1.7 (28 px)
    to 2.3 (128 px) times as fast as in float32; without such instructions it would be slower.
    """
    if precision != "auto":
        return DTYPES[precision]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    if device.type == "cpu" and _cpu_multiplies_bfloat16():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Inside it layers compute in `dtype` where that is safe; float32 leaves them as they are."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def _cpu_multiplies_bfloat16() -> bool:
    # The public torch.cpu.get_capabilities is newer than the oldest torch that is supported.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
