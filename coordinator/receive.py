"""Takes an archive of pictures from a laptop, which sends it through `kubectl exec`.

Says on the first line whether it has it or wants it, then reads as many bytes as were announced,
not up to an end that some proxies never pass on. Knows nothing of what is in the archive.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from study import atomic, paths
from study.errors import DataError, UsageError
from study.mirror import of_sources

HAVE = "have"
WANT = "want"
TAKEN = "taken"
CHUNK = 2**20  # bytes


def receive(sha256: str, size: int, stream: BinaryIO, say: Callable[[str], None]) -> None:
    """Puts what comes into the folder of sources, unless it is there.

    size: bytes that will come. Raises UsageError where they do not fit, DataError where others
    came than were announced; the folder is then as it was.
    """
    target, copy = paths.source(sha256), of_sources()
    if target.is_file() or (copy is not None and copy.has(target)):
        say(HAVE)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < size:
        raise UsageError(_full(target.parent, size, free))
    say(WANT)
    digest = hashlib.sha256()
    try:
        with atomic.replacing(target) as file:
            left = size
            while left and (chunk := stream.read(min(CHUNK, left))):
                digest.update(chunk)
                file.write(chunk)
                left -= len(chunk)
            _check(sha256, digest.hexdigest(), left)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(target.parent).free
        raise UsageError(_full(target.parent, size, free)) from error
    if copy is not None:
        copy.upload(target)
    say(TAKEN)


def _check(wanted: str, found: str, left: int) -> None:
    if left:
        raise DataError(f"the archive ended {left:,} bytes too early: send it again")
    if found != wanted:
        raise DataError(f"the archive changed while it was sent: {wanted} announced, {found} came")


def _full(folder: Path, size: int, free: int) -> str:
    return (
        f"{folder}: the data volume has {free / 2**20:,.0f} MiB left and the pictures are "
        f"{size / 2**20:,.0f} MiB: enlarge the claim `data`, or remove old archives from there"
    )
