"""Runs PgBouncer as the container's own process, so that hundreds of workers share a few
connections: each has one for the length of a transaction.

What a session sets for itself does not last there. Sessions ask for their timeouts in the startup
parameter `options`, which PgBouncer is told to ignore; it gives every connection of its own the
same ones. The coordinator, which needs sessions, goes past it. Knows nothing of what is stored.
"""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import NoReturn

from sqlalchemy.engine import URL

from study.database import SLEEP_TIMEOUT, STATEMENT_TIMEOUT
from study.errors import UsageError

PORT = 5432
DATABASE_CONNECTIONS = 60  # of one PgBouncer; two of them leave room for all who go past it
CLIENTS = 5000  # connections of workers to one PgBouncer

INI = """\
[databases]
{database} = host={host} port={port} dbname={database} connect_query='{connect_query}'

[pgbouncer]
listen_addr = *
listen_port = {listen_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
ignore_startup_parameters = options, extra_float_digits
default_pool_size = {connections}
max_db_connections = {connections}
max_client_conn = {clients}
; shorter than the patience of a worker, which asks again
query_wait_timeout = 10
server_connect_timeout = 5
server_login_retry = 1
; a worker's machine that vanishes is noticed within half a minute, a server's too
tcp_keepalive = 1
tcp_keepidle = 10
tcp_keepintvl = 5
tcp_keepcnt = 4
log_connections = 0
log_disconnections = 0
log_stats = 0
"""


def serve_pooler(url: URL, directory: Path, port: int = PORT) -> NoReturn:
    """Becomes PgBouncer before the database of `url`; its files go to `directory`.

    Raises OSError, and UsageError where it is not installed or the URL leaves something open.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise UsageError("pgbouncer is not installed; the coordinator image has it")
    configuration = write_configuration(url, directory, port)
    _allow_open_files()
    os.execv(program, [program, str(configuration)])


def write_configuration(url: URL, directory: Path, port: int = PORT) -> Path:
    """Writes PgBouncer's configuration and its list of users, which holds the password and is
    readable by this user alone. Raises OSError and UsageError."""
    if not (url.host and url.database and url.username and url.password):
        raise UsageError("the database URL must name host, database, user and password")
    users = directory / "pgbouncer-users.txt"
    _write(users, f"{_quoted(url.username)} {_quoted(str(url.password))}\n")
    configuration = directory / "pgbouncer.ini"
    content = INI.format(
        database=url.database,
        host=url.host,
        port=url.port or 5432,
        connect_query=f"SET statement_timeout = {STATEMENT_TIMEOUT};"
        f" SET idle_in_transaction_session_timeout = {SLEEP_TIMEOUT}",
        listen_port=port,
        users=users,
        connections=DATABASE_CONNECTIONS,
        clients=CLIENTS,
    )
    _write(configuration, content)
    return configuration


def _write(file: Path, content: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(content)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _allow_open_files() -> None:
    """As many as the container may have; many start with 1,024, a connection takes one or two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
