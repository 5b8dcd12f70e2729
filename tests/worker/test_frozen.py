from __future__ import annotations

import subprocess
import sys

from worker.trial_processes import PRELOADED


def test_collections_of_a_forked_process_leave_alone_what_the_server_imported() -> None:
    program = (
        f"import gc, {', '.join(PRELOADED)};print(gc.get_freeze_count(), len(gc.get_objects()))"
    )
    frozen, watched = map(int, output(program))
    assert frozen > 100_000
    assert watched < frozen / 100


def test_a_process_that_has_trained_returns_its_memory_before_it_draws() -> None:
    program = """
import resource
from pathlib import Path
from worker.epilogue import Epilogue

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20

held = [bytes(64 * 1024) for _ in range(2048)]
del held[:-1]
full = resident()
Epilogue().perform(None)
print(full - resident())
"""
    (returned,) = map(int, output(program))
    assert returned > 60  # MiB, of 128


def output(program: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    return run.stdout.split()
