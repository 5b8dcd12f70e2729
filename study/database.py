"""Where the database is, and how to reach it. Knows nothing of what is stored there.

The URL comes from HPO_STORAGE_FILE (a file that holds it, as a mounted secret does), else from
HPO_STORAGE, else an embedded PostgreSQL is started in HPO_HOME. Never from the command line, where
other users of the machine could read the password.
"""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)

from study.errors import DatabaseRefused, DatabaseUnreachable, UsageError

CONNECT_TIMEOUT = 5  # seconds
STATEMENT_TIMEOUT = 30_000  # milliseconds; no statement of ours takes more than a few
SLEEP_TIMEOUT = 5_000  # milliseconds; a process stopped within a transaction must not block others
APPLICATION = f"hpo-{socket.gethostname()}-{os.getpid()}"  # this process in pg_stat_activity

REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|FATAL: .*(does not exist|not permitted|no such (user|database)|permission denied)"
)
"""Said by PostgreSQL and PgBouncer when a connection begins; libpq tells no error code then."""

LOST_CONNECTION = "8s2b"
"""SQLAlchemy's code for a transaction asked to go on after its connection broke: Optuna reads
trials a second time, in another way, where the first way met an OperationalError."""


def database_url() -> URL | None:
    """The database the environment names; None where it names none.

    Raises UsageError for an unreadable file or an URL that is not PostgreSQL's.
    """
    file = os.environ.get("HPO_STORAGE_FILE")
    if file:
        try:
            given = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"HPO_STORAGE_FILE: cannot read {file}: {error}") from error
        return parse_url(given, "HPO_STORAGE_FILE")
    given = os.environ.get("HPO_STORAGE", "").strip()
    return parse_url(given, "HPO_STORAGE") if given else None


def parse_url(given: str, origin: str) -> URL:
    """Reads a PostgreSQL URL; `origin` names where it was given. The error never repeats it."""
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            f"{origin}: not a database URL, expected postgresql://user:password@host:port/database"
        ) from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise UsageError(f"{origin}: must be a postgresql:// URL, got {url.get_backend_name()}://")
    return url.set(drivername="postgresql+psycopg2")


def place(url: URL) -> str:
    """Names host and database for a person, without user and password."""
    host = url.query.get("host") or url.host or "localhost"
    host = host if isinstance(host, str) else ",".join(host)
    port = f":{url.port}" if url.port else ""
    return f"{host}{port}/{url.database or ''}"


def connect(url: URL) -> Engine:
    """A pool of connections, tried once. Raises DatabaseUnreachable, where trying again later can
    help, and DatabaseRefused."""
    engine = create_engine(url, **pool_options())
    try:
        with engine.connect():
            pass
    except DBAPIError as error:
        engine.dispose()
        reason = " ".join(str(error.orig).split()) if error.orig else "no answer"
        if url.password:
            reason = reason.replace(str(url.password), "***")
        if REFUSED.search(reason):
            raise DatabaseRefused(f"database {place(url)} refuses: {reason}") from None
        raise DatabaseUnreachable(f"database {place(url)} did not answer: {reason}") from None
    return engine


def pool_options() -> dict[str, Any]:
    """Arguments of create_engine: a dead connection is noticed, an idle one is kept."""
    return {
        "pool_pre_ping": True,
        "pool_size": 2,
        "max_overflow": 4,
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT}"
            f" -c idle_in_transaction_session_timeout={SLEEP_TIMEOUT}",
            "keepalives_idle": 10,  # seconds
            "keepalives_interval": 5,  # seconds
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,  # milliseconds; keepalives do not cover what was sent
            "application_name": APPLICATION,
        },
    }


def is_outage(error: BaseException) -> bool:
    """Whether trying again later can help: the connection broke, or the server is restarting."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (OperationalError, InterfaceError, DatabaseUnreachable)):
            return True
        if isinstance(cause, DBAPIError) and cause.connection_invalidated:
            return True
        if isinstance(cause, PendingRollbackError) and cause.code == LOST_CONNECTION:
            return True
        cause = cause.__cause__
    return False
