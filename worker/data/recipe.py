"""Remembers which store a source and a configuration gave, so that it is not packed again.

Knows nothing of how it was packed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from study import atomic
from study.config.data import DataConfig
from study.errors import BadData
from study.paths import DataPaths
from worker.data.pack import write_manifest
from worker.data.store import Store

VERSION = 1  # raised when the same source and configuration give other pixels or another split


def recipe_key(fingerprint: str, config: DataConfig) -> str:
    """sha256 over everything that decides a store's content."""
    settings = config.model_dump(
        mode="json", exclude={"source", "sha256", "loader", "image_size", "store_size"}
    )
    parts = [VERSION, fingerprint, config.packed_size, settings]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def recall(root: DataPaths, key: str, source: str) -> Path | None:
    """The store of a recipe; None where there is none or it is not whole.

    source: where the pictures are now. A source that was moved gives the same store, whose
    manifest is corrected.
    """
    try:
        content = json.loads(root.recipe(key).read_bytes())["store"]
        directory = root.store(str(content))
        manifest = Store.open(directory).manifest
    except (OSError, ValueError, KeyError, TypeError, BadData):
        return None
    if manifest.source != source:
        write_manifest(directory, manifest.model_copy(update={"source": source}))
    return directory


def remember(root: DataPaths, key: str, content: str) -> None:
    """Notes that the recipe `key` gave the store `content`."""
    atomic.write_json(root.recipe(key), {"store": content})
