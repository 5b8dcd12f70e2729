"""What each of several local workers gets of this machine: one GPU, and a share of the CPU cores.

Knows nothing of workers.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from study.cores import cores

QUERY_TIMEOUT = 30.0  # seconds; a driver that has to wake up takes several


def gpus() -> list[str]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them; empty where there is none."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [device for device in given.split(",") if device.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=QUERY_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return []
    # with a broken driver the exit status is not 0 and the message is no device
    return listed_gpus(listed.stdout) if listed.returncode == 0 else []


def listed_gpus(output: str) -> list[str]:
    """The numbers of the GPUs in what `nvidia-smi -L` printed."""
    lines = [line for line in output.splitlines() if line.startswith("GPU ")]
    return [str(index) for index, _ in enumerate(lines)]


def gpu_of(index: int, devices: list[str]) -> str | None:
    """The device of worker `index`: workers beyond the last device share them in turn."""
    return devices[index % len(devices)] if devices else None


def threads(*, workers: int, slots: int) -> int:
    """CPU threads of one trial when `workers` train `slots` trials each."""
    return max(1, cores() // (workers * slots))
