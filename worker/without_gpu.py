"""Imported by the fork server before torch's optimizers: where no trial can have a GPU, none
imports Triton.

The first optimizer would, where it is installed: 75 MiB and 0.2 s for kernels that a GPU alone
runs. Knows nothing of the device that a study asks for.
"""

from __future__ import annotations

import ctypes
import sys

import torch


def gpu_possible() -> bool:
    """False where torch is built for CUDA and the library of NVIDIA's driver is missing. To ask
    torch would start CUDA, which a fork does not survive."""
    if torch.version.cuda is None:  # other GPUs have a Triton of their own
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


if not gpu_possible():
    sys.modules["triton"] = None  # type: ignore[assignment] # as if it were not installed
