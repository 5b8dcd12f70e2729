"""What the figures were measured on: processor, memory, GPU, versions.

Knows nothing of the figures.
"""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

from study.cores import cores

PACKAGES = ("torch", "torchvision", "nvidia-dali-cuda130", "optuna", "numpy", "pillow")
BFLOAT16 = ("avx512_bf16", "amx_bf16")  # instructions that multiply it


def describe() -> dict[str, Any]:
    """Plain values, the same as long as machine and environment are."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def commit() -> str:
    """Of this working tree; `-dirty` where it has changes that are in none."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _processor() -> str:
    """Its name, and which instructions for bfloat16 it has."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    has = [flag for flag in BFLOAT16 if flag in flags]
    name = fields.get("model name", platform.machine())
    return f"{name} ({', '.join(has) or 'no bfloat16 instructions'})"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
