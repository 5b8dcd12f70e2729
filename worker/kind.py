"""What a measurement holds for: a study, and machines that are alike.

Knows nothing of what is measured.
"""

from __future__ import annotations

import hashlib
import re

from study.config.record import Record


class Kind(Record):
    """Who measures adds what else the answer depends on."""

    study: str
    """Identity of its configuration."""
    device: str
    """As its maker calls it."""
    threads: int
    """Of the CPU."""
    torch: str
    """Its version."""

    @property
    def name(self) -> str:
        """For a file: the device for people to read, and a number that differs with any field."""
        device = re.sub(r"[^a-z0-9.]+", "-", self.device.lower()).strip("-")
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{device}-{digest[:16]}"
