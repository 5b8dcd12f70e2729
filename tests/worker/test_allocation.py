from __future__ import annotations

import subprocess
import sys

import pytest

from worker.allocation import huge_pages
from worker.trial_processes import PRELOADED

PROGRAM = """
import ctypes, mmap
from pathlib import Path
import worker.allocation
import torch

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE // 2**20

def advised(address):
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if not first.endswith(":"):
            start, end = (int(part, 16) for part in first.split("-"))
            inside = start <= address < end
        elif inside and first == "VmFlags:":
            return "hg" in line.split()

torch.ones(1)
before = resident()
tensors = [torch.ones(3 * 2**20) for _ in range(16)]  # 12 MiB each
full = resident()
print(advised(tensors[8].data_ptr() + 2**22))
del tensors[:-1]
print(full - before, resident() - before)
"""


def printed(program: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return run.stdout.split()


@pytest.mark.skipif(not huge_pages(), reason="needs a kernel that gives huge pages")
def test_large_tensors_lie_in_huge_pages_and_go_back_to_the_kernel_when_they_are_freed() -> None:
    advised, full, left = printed(PROGRAM)
    assert advised == "True"
    assert int(full) >= 16 * 12  # MiB
    assert int(left) < 2 * 12


def test_where_no_trial_can_have_a_gpu_none_imports_triton_and_steps_can_still_be_compiled() -> (
    None
):
    """In a process of its own: what it does to the imports lasts."""
    program = f"""
import {", ".join(PRELOADED)}
import sys, torch
from worker.without_gpu import gpu_possible
torch.optim.SGD([torch.zeros(1, requires_grad=True)], fused=True).step()
compiled = torch.compile(lambda x: 2 * x + 1, backend="aot_eager")(torch.ones(1)).item()
imported = any(name.startswith("triton.") for name in sys.modules)
print(gpu_possible(), "torch._dynamo" in sys.modules, imported, compiled)
"""
    possible, dynamo, imported, compiled = printed(program)
    assert (dynamo, compiled) == ("True", "3.0")
    assert possible == "True" or imported == "False"
