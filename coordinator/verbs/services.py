"""The verbs that containers run: the database server, the pooler before it, its backups.

What each does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL

from coordinator.verbs.arguments import checksum, console
from study.database import database_url
from study.errors import UsageError

Settings = Annotated[
    list[str] | None, typer.Argument(metavar="NAME=VALUE", help="settings of PostgreSQL")
]


def serve_postgres(settings: Settings = None) -> None:
    """Run PostgreSQL in PGDATA, with the password in HPO_PASSWORD_FILE."""
    from coordinator.database.serve import serve

    serve(Path(_given("PGDATA")), Path(_given("HPO_PASSWORD_FILE")), settings or ())


def serve_pgbouncer() -> None:
    """Run PgBouncer before the database of HPO_STORAGE_FILE."""
    from coordinator.database.pooler import serve_pooler

    serve_pooler(_database(), Path(os.environ.get("TMPDIR", "/tmp")))


def backup() -> None:
    """Dump the database into HPO_BACKUPS."""
    from coordinator.database.backup import back_up

    console.print(str(back_up(_database(), Path(_given("HPO_BACKUPS")))), soft_wrap=True)


def restore() -> None:
    """Replace the database by the dump HPO_BACKUP of HPO_BACKUPS, else by the newest."""
    from coordinator.database.backup import restore as verb

    name = os.environ.get("HPO_BACKUP") or None
    dump = verb(_database(), Path(_given("HPO_BACKUPS")), name)
    console.print(f"the database is as {dump} has it", soft_wrap=True)


def receive(
    sha256: Annotated[str, typer.Argument(metavar="SHA256", parser=checksum)],
    size: Annotated[int, typer.Argument(metavar="BYTES", min=1)],
) -> None:
    """Take an archive of pictures from standard input onto the data volume."""
    from coordinator.receive import receive as verb

    verb(sha256, size, sys.stdin.buffer, lambda word: print(word, flush=True))  # noqa: T201


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{name} must be set")
    return value


def _database() -> URL:
    url = database_url()
    if url is None:
        raise UsageError("HPO_STORAGE_FILE must name the file with the database's URL")
    return url
