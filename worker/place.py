"""Where a worker works.

Knows nothing of what it trains there.
"""

from __future__ import annotations

from dataclasses import dataclass

from study.mirror import Mirror
from study.paths import DataPaths, StudyPaths


@dataclass(frozen=True, kw_only=True)
class Place:
    """One worker's machine, folders and device."""

    worker: str
    """Its name, unique for each start."""
    data: DataPaths
    artifacts: StudyPaths
    device: str
    """As torch.device takes it, or `auto`."""
    mirror: Mirror | None = None
    """Of the artifacts, in an object store."""
