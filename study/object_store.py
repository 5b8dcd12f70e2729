"""How an object store is reached: its URL, credentials and timeouts, and what its errors become.

An URL is one of obstore's, s3://bucket/prefix for example; region, endpoint and credentials come
from the environment (AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), the
last two also from files of those names in the folder HPO_S3_CREDENTIALS, as a Secret is mounted.
Knows nothing of what is kept there (see mirror.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from study.errors import ObjectStoreAway, UsageError, one_line

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

REQUEST_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRY_TIMEOUT = timedelta(seconds=45)  # well below what a probe lets a worker stand still
LONGEST_PAUSE = timedelta(seconds=5)
RETRIES = 100  # the time ends them
KEY_ID, KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


def opened_store(variable: str, below: str) -> ObjectStore | None:
    """What `variable` and the path `below` it name; None where it is not set. Raises UsageError."""
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
        return from_url(
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


@contextmanager
def translated(file: Path) -> Iterator[None]:
    """Makes errors of the store, about `file`, ObjectStoreAway; those of the disk stay OSError."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:  # of this machine
            raise
        raise ObjectStoreAway(f"{file}: the object store: {_first_line(error)}") from error
    except BaseError as error:
        raise ObjectStoreAway(f"{file}: the object store: {_first_line(error)}") from error


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


def _first_line(error: Exception) -> str:
    return one_line(str(error).strip().split("\n")[0])
