"""Which loader feeds a trial: from memory where the pixels fit, else from the files.

Knows nothing of how a loader works.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch

from study.config.data import DataConfig
from study.dataset import Split
from study.errors import DataError
from worker.data.store import Store

Loader = Literal["resident", "dali", "torchvision"]

SHARE = 0.5  # of free memory the pixels may take; the rest is the model's


def choose_loader(
    store: Store, split: Split, data: DataConfig, device: torch.device
) -> tuple[Loader, str]:
    """The loader and the reason for it, for the log. Raises DataError for one that is missing."""
    if data.loader == "dali" and not has_dali():
        raise DataError(
            "data.loader is dali, but DALI is not installed: install hpo[dali] "
            "or set data.loader=torchvision"
        )
    if data.loader != "auto":
        return data.loader, "data.loader asks for it"
    needed = store.split(split).size * store.manifest.pixel_bytes // len(store.manifest.names)
    free = free_memory(device)
    sizes = f"{needed / 2**20:.0f} MiB of pixels, {free / 2**20:.0f} MiB free on {device}"
    if needed <= SHARE * free:
        return "resident", f"fits: {sizes}"
    if has_dali():
        return "dali", f"too large to be resident: {sizes}"
    return "torchvision", f"too large to be resident, and DALI is not installed: {sizes}"


def has_dali() -> bool:
    """Whether DALI is installed; importing it takes a second, so it is only looked for."""
    try:
        return find_spec("nvidia.dali") is not None
    except ModuleNotFoundError:
        return False


def free_memory(device: torch.device) -> int:
    """Bytes: of the GPU, or of this machine or container."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    available = int(_fields(Path("/proc/meminfo"))["MemAvailable:"]) * 1024  # kB
    limit = _cgroup_room(Path("/sys/fs/cgroup"))
    return available if limit is None else min(available, limit)


def _cgroup_room(group: Path) -> int | None:
    """What a container may still take (cgroup v2); None where there is no limit."""
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((group / "memory.current").read_text())
        # Pages of files count as used but are given back when memory is wanted.
        cache = int(_fields(group / "memory.stat").get("inactive_file", "0"))
        return max(0, int(limit) - used + cache)
    except (OSError, ValueError):
        return None


def _fields(file: Path) -> dict[str, str]:
    """First word to second word of each line."""
    return {line.split()[0]: line.split()[1] for line in file.read_text().splitlines()}
