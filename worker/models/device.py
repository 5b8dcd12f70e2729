"""Which device `auto` means, and what a device is called.

Knows nothing of models; asking starts no CUDA context.
"""

from __future__ import annotations

import platform
from pathlib import Path

import torch

PROCESSORS = Path("/proc/cpuinfo")


def resolve_device(name: str) -> torch.device:
    """The device of that name; auto: the first GPU, else the CPU."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def device_name(device: torch.device) -> str:
    """What its maker calls it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    told = PROCESSORS.read_text() if PROCESSORS.exists() else ""  # Linux has it
    for line in told.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()  # ARM names no model
