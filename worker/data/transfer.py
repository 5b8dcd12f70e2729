"""Packed data sets between the disk and the object store, where there is one.

A store is there when its manifest is, which goes last, both ways; its recipe comes after. What was
fetched is checked against the checksum that is its name. Knows nothing of pictures.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from study import paths
from study.dataset import read_manifest
from study.errors import BadData, UsageError
from study.mirror import Mirror
from study.paths import DataPaths
from worker.arrival import LOOK_SECONDS
from worker.data.pack import BLOCK_BYTES, begin_content
from worker.data.store import Store

log = logging.getLogger(__name__)

FILES = (paths.LABELS, paths.PIXELS, paths.MANIFEST)  # in the order they are copied


def known_remotely(mirror: Mirror | None, root: DataPaths, key: str) -> str | None:
    """The content of the store that a recipe gave, if both are in the object store."""
    if mirror is None:
        return None
    mirror.fetch(root.recipe(key))
    try:
        content = str(json.loads(root.recipe(key).read_bytes())["store"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return content if mirror.has(root.store(content) / paths.MANIFEST) else None


def send(mirror: Mirror | None, root: DataPaths, content: str, key: str) -> None:
    """Copies a whole store and the recipe that gave it."""
    if mirror is None:
        return
    for name in FILES:
        mirror.upload(root.store(content) / name)
    mirror.upload(root.recipe(key))


def obtain(mirror: Mirror | None, store: Path, seconds: float, turned: Callable[[], None]) -> None:
    """Fetches a store that is not here as soon as it is there, waiting for it for `seconds`;
    `turned` is called again and again. Gives up in silence: whoever opens the store says it.

    Raises UsageError where the copy is damaged.
    """
    if mirror is None or _whole(store):
        return
    deadline = time.monotonic() + seconds
    while not mirror.has(store / paths.MANIFEST):
        turned()
        if time.monotonic() > deadline:
            return
        time.sleep(LOOK_SECONDS)
    log.info("fetching the packed data set %s", store)
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".fetch-") as staging:
        here = {name: Path(staging) / name for name in FILES}
        for name, file in here.items():
            mirror.fetch(store / name, turned, into=file)
        found = _content(Path(staging), turned)
        if found != store.name:
            raise UsageError(
                f"{store}: its copy in the object store has the checksum {found[:12]}: it is "
                "damaged: remove it there and prepare again"
            )
        for name, file in here.items():
            file.replace(store / name)


def _content(store: Path, turned: Callable[[], None]) -> str:
    """The checksum of what is there, `nothing` where files are missing."""
    try:
        manifest = read_manifest(store)
        square = (manifest.size, manifest.size, manifest.channels)
        digest = begin_content(manifest.classes, manifest.splits, manifest.folds, square)
        for name in (paths.LABELS, paths.PIXELS):
            with (store / name).open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    digest.update(block)
                    turned()
    except (BadData, OSError):
        return "nothing"
    return digest.hexdigest()


def _whole(store: Path) -> bool:
    try:
        Store.open(store)
    except BadData:
        return False
    return True
