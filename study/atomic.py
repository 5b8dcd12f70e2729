"""Durable writes: beside the target, fsynced, renamed. A reader sees the old file or the new one.

Knows nothing of what is written.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary file that becomes `target` when the block ends without an error.

    Raises OSError (for example ENOSPC), with `target` as its file name, from the block or the
    rename; `target` is then as it was and the temporary file is gone.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's 0600 would hide artifacts from other users of the volume
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error.filename, str):
            error.filename = str(target)  # a write knows its descriptor alone
        raise
    sync_directory(target.parent)


def unfinished(directory: Path, pattern: str) -> list[Path]:
    """What is left of targets whose names match `pattern`, where the writer was killed."""
    return sorted(directory.glob(f".{pattern}.*"))


def write_bytes(target: Path, content: bytes) -> None:
    """Replaces `target` by `content`."""
    with replacing(target) as file:
        file.write(content)


def write_text(target: Path, content: str) -> None:
    """Replaces `target` by `content`, UTF-8."""
    write_bytes(target, content.encode())


def write_json(target: Path, content: Any) -> None:
    """Replaces `target` by `content` as indented JSON; raises ValueError for NaN and infinity."""
    write_text(target, json.dumps(content, indent=2, allow_nan=False) + "\n")


def link(target: Path, points_to: str) -> None:
    """Replaces the symbolic link `target`; a reader never finds it missing."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(points_to)
    temporary.replace(target)
    sync_directory(target.parent)


def check_writable(directory: Path) -> None:
    """Raises OSError where no file can be written to `directory`; makes it if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / ".probe"
    write_bytes(probe, b"?")
    probe.unlink(missing_ok=True)  # by another process that checks at the same time


def sync_directory(directory: Path) -> None:
    """Makes a rename in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
