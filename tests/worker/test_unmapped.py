from __future__ import annotations

import subprocess
import sys

import pytest

from worker.trial_processes import PRELOADED
from worker.unmapped import unchanged


def test_the_server_keeps_no_pages_of_code_that_loading_alone_has_touched() -> None:
    program = f"""
import {", ".join(PRELOADED)}
from pathlib import Path
from worker.unmapped import unchanged

smaps = Path("/proc/self/smaps").read_text()
code = [part for part in smaps.split("VmFlags") if "libtorch_cpu.so" in part and " r-xp " in part]
(resident,) = (int(line.split()[1]) for part in code for line in part.splitlines() if "Rss" in line)
import torch
print(resident, torch.ones(2).exp().shape[0], len(list(unchanged(smaps))))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    resident, computed, parts = map(int, run.stdout.split())
    assert resident < 8 * 1024  # KiB, of 26 MiB
    assert computed == 2
    assert parts > 20


@pytest.mark.parametrize(
    ("mapping", "changed", "found"),
    [
        ("1000-3000 r-xp 00000000 08:01 42    /lib/libtorch.so", "", [(0x1000, 0x3000)]),
        ("1000-3000 r--p 00000000 08:01 42    /lib/my own.so", "", [(0x1000, 0x3000)]),
        ("1000-3000 r--p 00000000 08:01 42    /lib/libtorch.so", "Anonymous", []),  # relocated
        ("1000-3000 r--p 00000000 08:01 42    /lib/libtorch.so", "Swap", []),
        ("1000-3000 rw-p 00000000 08:01 42    /lib/libtorch.so", "", []),
        ("1000-3000 r--s 00000000 08:01 42    /data/pixels", "", []),
        ("1000-3000 r-xp 00000000 00:00 0     [vdso]", "", []),
        ("1000-3000 r--p 00000000 00:00 0 ", "", []),
    ],
)
def test_pages_come_back_where_they_are_a_file_s_and_not_changed(
    mapping: str, changed: str, found: list[tuple[int, int]]
) -> None:
    before = "0-1000 rw-p 00000000 00:00 0 \nAnonymous:             0 kB\n"
    kinds = "".join(f"{kind}:       {4 * (kind == changed)} kB\n" for kind in ("Anonymous", "Swap"))
    lines = f"{mapping}\nSize:     8 kB\n{kinds}VmFlags: rd mr\n"
    assert list(unchanged(before + lines)) == found
