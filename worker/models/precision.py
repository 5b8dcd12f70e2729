"""Which number format a model's layers compute in, on which device.

Knows nothing of the model; weights, gradients and the loss stay float32 throughout.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Format = Literal["float32", "bfloat16", "float16"]
Precision = Literal["auto"] | Format

DTYPES: dict[Format, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def formats(device: torch.device) -> tuple[Format, ...]:
    """The formats worth measuring on `device`, first the one that it suggests.

    On a GPU that is bfloat16 where it has it in hardware, else float16, which needs loss scaling.
    On a CPU bfloat16 where it multiplies it in hardware (AVX512-BF16 or AMX), else float32. With
    AMX, one thread and a batch of 64 a DynamicCNN of 2-4 blocks trains 1.7 (28 px) to 2.3 (128 px)
    times as fast as in float32; without such instructions it would be slower. float32 is always
    worth a look: the casts of a small model may cost more than its multiplications.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bfloat16" if native else "float16"), "float32"
    if device.type == "cpu" and _cpu_multiplies_bfloat16():
        return "bfloat16", "float32"
    return ("float32",)


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The format `precision` means on `device`; auto: the one that it suggests."""
    return DTYPES[formats(device)[0] if precision == "auto" else precision]


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Inside it layers compute in `dtype` where that is safe; float32 leaves them as they are."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def _cpu_multiplies_bfloat16() -> bool:
    # The public torch.cpu.get_capabilities is newer than the oldest torch that is supported.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
