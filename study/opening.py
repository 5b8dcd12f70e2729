"""The registry of the database that the environment names, or of the embedded one.

Knows nothing of how long a database is waited for, and of what is done with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.database import database_url
from study.errors import DatabaseUnreachable, UsageError
from study.paths import home
from study.registry import Registry

if TYPE_CHECKING:
    from study.embedded import EmbeddedPostgres


def open_registry() -> tuple[Registry, EmbeddedPostgres | None]:
    """With the embedded server, started, where it is that. Raises UsageError."""
    url = database_url()
    if url is not None:
        return Registry(url), None
    try:
        from study.embedded import EmbeddedPostgres  # images of the cluster do without
    except ImportError as error:
        raise UsageError(
            "HPO_STORAGE_FILE or HPO_STORAGE must name a database: the embedded PostgreSQL is not "
            "installed here (it is in the extra `local`)"
        ) from error
    server = EmbeddedPostgres(home() / "postgres")
    try:
        return Registry(server.url()), server
    except DatabaseUnreachable:  # its last user has stopped it just now
        server.ensure_running()
        return Registry(server.url()), server
