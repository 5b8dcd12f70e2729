"""A folder and its copy in an object store: where pods share no volume, the store is what lasts and
the folder is a cache.

    HPO_ARTIFACTS_URL   of HPO_ARTIFACTS: checkpoints, weights, promoted models
    HPO_DATA_URL        of HPO_DATA: packed data sets; under sources/ the archives they came from

An URL is one of obstore's, s3://bucket/prefix for example; region, endpoint and credentials come
from the environment (AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), the
last two also from files of those names in the folder HPO_S3_CREDENTIALS, as a Secret is mounted.
Without an URL there is no mirror, and nothing here does anything. Knows nothing of what files hold,
nor in which order they have to appear.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from study import atomic, paths
from study.errors import ObjectStoreAway, UsageError, one_line

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

PART = 16 * 2**20  # bytes a request moves: one that breaks off costs little
REQUEST_TIMEOUT = timedelta(seconds=60)
KEY_ID, KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRY_TIMEOUT = timedelta(seconds=45)  # well below what a probe lets a worker stand still
LONGEST_PAUSE = timedelta(seconds=5)
RETRIES = 100  # the time ends them


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

        with _translated(file):
            try:
                obstore.head(self._store, self._key(file))
            except FileNotFoundError:
                return False
        return True

    def upload(self, file: Path, content: bytes | None = None) -> None:
        """Copies a file, or makes `content` its copy; durably. Raises OSError where the file cannot
        be read."""
        import obstore

        with _translated(file):
            source = file if content is None else content
            obstore.put(self._store, self._key(file), source, chunk_size=PART)

    def fetch(
        self, file: Path, turned: Callable[[], None] = lambda: None, *, into: Path | None = None
    ) -> bool:
        """Replaces `file`, or `into`, by the copy of `file`; gives whether there is one. `turned`
        is called after every part. Raises OSError where it cannot be written."""
        import obstore

        key = self._key(file)
        with _translated(file):
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

        with _translated(folder):
            chunks = list(obstore.list(self._store, f"{self._key(folder)}/"))
        return sorted(self._root / found["path"] for chunk in chunks for found in chunk)

    def remove(self, files: Iterable[Path]) -> None:
        """Removes copies; one that is not there is no error."""
        import obstore

        keys = [self._key(file) for file in files]
        if keys:
            with _translated(self._root / keys[0]):
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
    url = os.environ.get(variable, "").rstrip("/")
    if not url:
        return None
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        raise UsageError(
            f"{variable} is set, but obstore is not installed: install hpo[s3]"
        ) from error
    try:
        store = from_url(
            url + below,
            config=_credentials(),
            client_options={
                "timeout": REQUEST_TIMEOUT,
                "connect_timeout": CONNECT_TIMEOUT,
                "allow_http": True,  # where the endpoint says http:// itself
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": RETRY_TIMEOUT,
                "backoff": {"max_backoff": LONGEST_PAUSE},
            },
        )
    except (BaseError, ValueError) as error:
        raise UsageError(f"{variable}: {_first_line(error)}") from error
    return Mirror(store, root)


def _credentials() -> S3Config:
    """From files, where they are in some."""
    given = os.environ.get("HPO_S3_CREDENTIALS", "")
    if not given:
        return {}
    folder = Path(given)
    try:
        return {
            "access_key_id": (folder / KEY_ID).read_text().strip(),
            "secret_access_key": (folder / KEY).read_text().strip(),
        }
    except OSError as error:
        raise UsageError(
            f"HPO_S3_CREDENTIALS: {error.filename}: {error.strerror}: it must name a folder with "
            f"the files {KEY_ID} and {KEY}"
        ) from error


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:  # of this machine
            raise
        raise ObjectStoreAway(f"{file}: the object store: {_first_line(error)}") from error
    except BaseError as error:
        raise ObjectStoreAway(f"{file}: the object store: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return one_line(str(error).strip().split("\n")[0])
