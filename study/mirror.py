"""A folder and its copy in an object store: where pods share no volume, the store is what lasts and
the folder is a cache.

    HPO_ARTIFACTS_URL   of HPO_ARTIFACTS: checkpoints, weights, promoted models
    HPO_DATA_URL        of HPO_DATA: packed data sets; under sources/ the archives they came from

Without an URL there is no mirror, and nothing here does anything. Knows nothing of how a store is
reached (see object_store.py), of what files hold, nor in which order they have to appear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from study import atomic, paths
from study.errors import ObjectStoreAway, UsageError
from study.object_store import opened_store, translated

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART = 16 * 2**20  # bytes a request moves: one that breaks off costs little


class Mirror:
    """The copy of the folder `root`. An object appears whole or not at all. Every method raises
    ObjectStoreAway once it has tried for 45 s in vain. Safe to use from several threads."""

    def __init__(self, store: ObjectStore, root: Path) -> None:
        self._store = store
        self._root = root

    def check(self, variable: str) -> None:
        """Raises UsageError where `variable` names no place that may be written: asked before
        anything is trained for it."""
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        try:
            self.upload(self._root / ".probe", b"?")
            self.remove([self._root / ".probe"])
        except ObjectStoreAway as error:
            refused = (PermissionDeniedError, UnauthenticatedError, FileNotFoundError)
            if isinstance(error.__cause__, refused):
                raise UsageError(f"{variable}: cannot be written: {error}") from error
            raise

    def has(self, file: Path) -> bool:
        """Whether there is a copy of `file`."""
        import obstore

        with translated(file):
            try:
                obstore.head(self._store, self._key(file))
            except FileNotFoundError:
                return False
        return True

    def upload(self, file: Path, content: bytes | None = None) -> None:
        """Copies a file, or makes `content` its copy; durably. Raises OSError where the file cannot
        be read."""
        import obstore

        with translated(file):
            source = file if content is None else content
            obstore.put(self._store, self._key(file), source, chunk_size=PART)

    def fetch(
        self, file: Path, turned: Callable[[], None] = lambda: None, *, into: Path | None = None
    ) -> bool:
        """Replaces `file`, or `into`, by the copy of `file`; gives whether there is one. `turned`
        is called after every part. Raises OSError where it cannot be written."""
        import obstore

        key = self._key(file)
        with translated(file):
            try:
                size = obstore.head(self._store, key)["size"]
                with atomic.replacing(into or file) as target:
                    for start in range(0, size, PART):
                        end = min(start + PART, size)
                        target.write(obstore.get_range(self._store, key, start=start, end=end))
                        turned()
            except FileNotFoundError:
                return False
        return True

    def files(self, folder: Path) -> list[Path]:
        """Where in `folder` and below it files would be that there are copies of."""
        import obstore

        with translated(folder):
            chunks = list(obstore.list(self._store, f"{self._key(folder)}/"))
        return sorted(self._root / found["path"] for chunk in chunks for found in chunk)

    def remove(self, files: Iterable[Path]) -> None:
        """Removes copies; one that is not there is no error."""
        import obstore

        keys = [self._key(file) for file in files]
        if keys:
            with translated(self._root / keys[0]):
                obstore.delete(self._store, keys)

    def _key(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()


def of_artifacts() -> Mirror | None:
    """What HPO_ARTIFACTS_URL names. Raises UsageError."""
    return _opened("HPO_ARTIFACTS_URL", "", paths.artifacts("any").root.parent)


def of_data() -> Mirror | None:
    """What HPO_DATA_URL names. Raises UsageError."""
    return _opened("HPO_DATA_URL", "", paths.data().root)


def of_sources() -> Mirror | None:
    """Archives that were sent in, beside the packed data sets. Raises UsageError."""
    return _opened("HPO_DATA_URL", "/sources", paths.source("any").parent)


def fetch_source(source: Path) -> None:
    """Fetches an archive that was sent in and is not here."""
    if source.parent == paths.source("any").parent:
        fetch_missing(of_sources(), source)


def fetch_missing(mirror: Mirror | None, file: Path) -> None:
    """Fetches `file` where it is not here and a copy of it is there."""
    if mirror is not None and not file.exists():
        mirror.fetch(file)


def _opened(variable: str, below: str, root: Path) -> Mirror | None:
    store = opened_store(variable, below)
    return None if store is None else Mirror(store, root)
