"""Imported by the fork server after all else: lets go of the pages of libraries that only loading
them has touched.

A process that is forked does not inherit them: it maps what it uses, so the server's are of no use
to anyone. 210 MiB where torch is built for CUDA, most of it code of libraries for a GPU that begins
with them. They stay in the page cache, where the kernel finds them again. Knows nothing of which
libraries there are.
"""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAPPINGS = re.compile(r"^(?=[0-9a-f]+-[0-9a-f]+ )", re.MULTILINE)
OF_FILE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +/")  # read only, private
CHANGED = re.compile(r"^(Anonymous|Swap): +[1-9]", re.MULTILINE)  # in memory, or no longer


def let_go() -> None:
    """Takes 0.03 s. Does nothing where the system says nothing of a process's pages."""
    with suppress(OSError, AttributeError):
        smaps, advise = Path("/proc/self/smaps").read_text(), ctypes.CDLL(None).madvise
        for start, end in unchanged(smaps):
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def unchanged(smaps: str) -> Iterator[tuple[int, int]]:
    """First address and the one behind the last, of each part of a file that is mapped to be read
    and of which this process has changed no page: such a page comes back as it is in the file.

    smaps: of one process (https://docs.kernel.org/filesystems/proc.html).
    """
    for mapping in MAPPINGS.split(smaps):
        addresses = OF_FILE.match(mapping)
        if addresses and "Anonymous:" in mapping and not CHANGED.search(mapping):
            start, end = addresses.groups()
            yield int(start, 16), int(end, 16)


let_go()
