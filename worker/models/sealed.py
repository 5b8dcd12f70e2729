"""Files of tensors and plain values whose name carries the checksum of their bytes.

Knows nothing of what is inside. A file that was cut short or has rotted is told from a good one
without another file beside it.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from study import atomic
from study.errors import CheckpointCorrupt

CHECKSUM_DIGITS = 12  # of sha256 in hexadecimal: 48 bits, against accidents, not against malice


def seal(directory: Path, stem: str, content: dict[str, Any]) -> str:
    """Writes `content` to `<directory>/<stem>-<checksum>.pt` and returns that file's name.

    Atomic and durable. Holds the serialised bytes in memory, because the name depends on them.
    Raises OSError (for example ENOSPC); then nothing is left behind.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    name = f"{stem}-{_checksum(buffer.getbuffer())}.pt"
    with atomic.replacing(directory / name) as file:
        file.write(buffer.getbuffer())
    return name


def unseal(path: Path) -> dict[str, Any]:
    """Reads what `seal` wrote, tensors on the CPU. Never runs code that a file might bring along.

    Raises CheckpointCorrupt where the file is missing, unreadable or not what its name says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointCorrupt(f"{path}: cannot be read: {error.strerror}") from error
    named, found = path.stem.rpartition("-")[2], _checksum(content)
    if named != found:
        raise CheckpointCorrupt(
            f"{path}: the name must carry the checksum of the bytes, "
            f"got {named}, the bytes have {found}: the file is damaged"
        )
    unsealed: dict[str, Any] = torch.load(
        io.BytesIO(content), map_location="cpu", weights_only=True
    )
    return unsealed


def _checksum(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()[:CHECKSUM_DIGITS]
