"""Imported by the fork server before torch: how the tensors of its trials get memory from the
kernel, and give it back.

Knows nothing of what is trained. Where the kernel has no huge pages or the C library is not GNU's
all stays as it is.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
M_MMAP_THRESHOLD = -3  # mallopt(3)
LARGE = 8 * 2**20  # bytes; with 2 MiB a step of small pictures takes a quarter longer


def huge_pages() -> bool:
    """Whether the kernel gives them to those that ask."""
    with suppress(OSError):
        return "[never]" not in HUGE_PAGES.read_text()
    return False


def _configure() -> None:
    """torch asks for huge pages from 2 MiB on: a step at 128 px takes a tenth to a fifth less of
    the processor, which filled 4 KiB at a time. What is large goes back to the kernel once it is
    freed: glibc, which learns from the sizes it sees, would keep up to 32 MiB of each kind among
    what is in use, 60 MiB more at the peak of a trial and 150 between epochs."""
    if huge_pages():
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read by torch's first allocation
        with suppress(AttributeError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


_configure()
