"""What is promoted and its copy in the object store, where there is one.

A version's manifest is copied last, and `latest`, which is a link here, is an object there that
holds the name of the version. Knows nothing of what a version is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from study import atomic, mirror
from study.paths import MANIFEST, UNPUBLISHED, StudyPaths


@lru_cache(maxsize=1024)  # one coordinator acts for a study: what it has seen once it knows
def restore(paths: StudyPaths) -> None:
    """Fetches the versions that are not here, once in a process: its folder may be new. Raises
    ObjectStoreAway; the next call then tries again."""
    copy = mirror.of_artifacts()
    if copy is None:
        return
    there = copy.files(paths.promoted)
    whole = {file.parent for file in there if file.name == MANIFEST}
    for file in there:
        if file.parent in whole and not file.exists():
            copy.fetch(file)
    name = paths.promoted / ".latest"
    if not paths.latest.is_symlink() and copy.fetch(paths.latest, into=name):
        atomic.link(paths.latest, name.read_text())
        name.unlink()


def fetch_measured(work: Path) -> None:
    """Fetches what a worker elsewhere measured."""
    copy = mirror.of_artifacts()
    if copy is not None:
        for file in copy.files(work):
            mirror.fetch_missing(copy, file)


def clear(work: Path) -> None:
    """Removes what was measured before."""
    copy = mirror.of_artifacts()
    if copy is not None:
        copy.remove(copy.files(work))


def keep(paths: StudyPaths, version: int) -> None:
    """Copies a version; what versions were made from is needed no longer."""
    copy = mirror.of_artifacts()
    if copy is None:
        return
    directory = paths.version(version)
    for file in sorted(directory.iterdir(), key=lambda file: file.name == MANIFEST):
        copy.upload(file)
    there = copy.files(paths.promoted)
    copy.remove(file for file in there if file.parent.name.startswith(UNPUBLISHED))


def keep_latest(paths: StudyPaths, version: int) -> None:
    """Says which version is in use."""
    copy = mirror.of_artifacts()
    if copy is not None:
        copy.upload(paths.latest, paths.version(version).name.encode())
