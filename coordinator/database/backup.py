"""Writes the database to a file every night, keeps the newest ones, and reads one back.

A dump has a name only when it is whole. Knows nothing of volumes and schedules.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL

from coordinator.database.programs import address, run
from study.atomic import sync_directory
from study.database import connect, place
from study.errors import UsageError

KEPT = 14  # dumps
NAME = re.compile(r"hpo-\d{8}T\d{6}Z\.dump")
UNFINISHED = ".unfinished.dump"


def back_up(url: URL, directory: Path, *, kept: int = KEPT) -> Path:
    """Dumps the database into `directory` and removes all but the newest dumps; gives the new one.

    Raises OSError where the directory cannot be written, HpoError where the dump fails; what was
    there is untouched then.
    """
    unfinished = directory / UNFINISHED
    unfinished.unlink(missing_ok=True)
    unfinished.touch()  # its error says more than pg_dump's, as does that of connecting
    connect(url).dispose()
    run("pg_dump", ["--format=custom", f"--file={unfinished}"], environment=address(url))
    run("pg_restore", ["--list", str(unfinished)])  # reads it, so it can be read
    done = directory / f"hpo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.dump"
    unfinished.replace(done)
    sync_directory(directory)
    for old in dumps(directory)[:-kept]:
        old.unlink()
    return done


def restore(url: URL, directory: Path, name: str | None = None) -> Path:
    """Replaces what is in the database by a dump, the newest where `name` gives none; all of it or
    nothing. Gives the dump.

    Raises UsageError for a dump that does not exist and while somebody uses the database, HpoError
    where it fails.
    """
    found = dumps(directory)
    names = [dump.name for dump in found]
    if not found or (name is not None and name not in names):
        raise UsageError(
            f"{directory}: there is no dump {name or 'at all'}; there are: "
            f"{', '.join(names) or 'none'}"
        )
    dump = found[-1] if name is None else directory / name
    _check_unused(url)
    run(
        "pg_restore",
        [
            *("--clean", "--if-exists", "--no-owner", "--single-transaction"),
            f"--dbname={url.database}",
            str(dump),
        ],
        environment=address(url),
    )
    return dump


def dumps(directory: Path) -> list[Path]:
    """The whole dumps in `directory`, the oldest first. Raises OSError."""
    return sorted(file for file in directory.iterdir() if NAME.fullmatch(file.name))


def _check_unused(url: URL) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        others = connection.execute(
            text(
                "SELECT count(*) AS number, min(application_name) AS example FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        ).one()
    engine.dispose()
    if others.number:
        raise UsageError(
            f"database {place(url)}: in use by {others.number} connections "
            f"({others.example or 'nameless'} for example); stop coordinator, dashboard and workers"
        )
