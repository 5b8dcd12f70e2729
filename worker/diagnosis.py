"""From an exception to the class of failure it belongs to.

Knows nothing of what follows from each; see failures.py.
"""

from __future__ import annotations

import errno
import traceback

import torch

from study.errors import (
    BadData,
    BrokenDevice,
    DataError,
    Infeasible,
    ModelError,
    OutOfMemory,
    TrialFailure,
)
from worker.messages import Failed

BUG = "bug"

# What torch says where it raises a plain RuntimeError or AssertionError.
NO_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
NO_DEVICE = (
    "CUDA error",
    "no CUDA-capable device",
    "No CUDA GPUs are available",
    "NVIDIA driver",
    "not compiled with CUDA",
    "device-side assert",
    "unspecified launch failure",
    "CUDNN_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
)
# Batch normalisation of one picture whose feature map is one pixel: no other weights would help.
NO_BATCH = "Expected more than 1 value per channel"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def diagnose(error: Exception) -> Failed:
    """The trial's last words."""
    failure, reason = _classify(error)
    return Failed(
        failure=failure, reason=reason, traceback="".join(traceback.format_exception(error))
    )


def _classify(error: Exception) -> tuple[str, str]:
    text = str(error) or type(error).__name__
    if isinstance(error, TrialFailure):
        return type(error).__name__, text
    if isinstance(error, DataError | ModelError):  # neither could another trial here
        return BadData.__name__, text
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return OutOfMemory.__name__, text
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return BUG, f"disk full while writing {error.filename or 'artifacts'}: {text}: free space"
    return _classify_by_text(error, text)


def _classify_by_text(error: Exception, text: str) -> tuple[str, str]:
    if any(phrase in text for phrase in NO_MEMORY):
        return OutOfMemory.__name__, text
    if isinstance(error, torch.AcceleratorError) or any(phrase in text for phrase in NO_DEVICE):
        return BrokenDevice.__name__, text
    if NO_BATCH in text:
        return Infeasible.__name__, f"{text}: batch normalisation needs a larger batch_size"
    return BUG, text if text == type(error).__name__ else f"{type(error).__name__}: {text}"
