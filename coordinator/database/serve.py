"""Runs PostgreSQL as the container's own process: makes the data directory where there is none,
gives the role `hpo` the password of a mounted file, and becomes the server.

Every start leaves the same state behind, however the one before ended. Knows nothing of what is
stored, nor of Kubernetes; Docker's container is the same one.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from coordinator.database.programs import major_version, program, run
from study.atomic import sync_directory, write_text
from study.errors import UsageError

ROLE = "hpo"  # owns the database of that name; the server's own superuser has no password
SUPERUSER = "postgres"
PORT = 5432
LOCK_PATIENCE = 60.0  # seconds for the processes of a killed server to end

HBA = f"""\
# Written at every start. The socket is in a directory that only this container's user can reach.
local all {SUPERUSER} trust
host  {ROLE} {ROLE} all scram-sha-256
"""

SETTINGS = {
    "listen_addresses": "*",
    "port": str(PORT),
    "unix_socket_directories": "/tmp",
    "unix_socket_permissions": "0700",
    # a worker keeps three connections and may want twelve; more than 40 come through PgBouncer
    "max_connections": "300",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    # statements are short: what parallel workers and just-in-time compilation cost is never won
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # a worker's machine that vanishes gives its connections back within half a minute
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "log_min_duration_statement": "1000",  # milliseconds
    "log_line_prefix": "%m %a ",
}
"""What differs from PostgreSQL's defaults. Timeouts of statements are each session's own: see
study/database.py and pooler.py."""


def serve(directory: Path, password_file: Path, overrides: Sequence[str]) -> NoReturn:
    """Becomes the server of `directory`. overrides: settings as NAME=VALUE.

    Raises UsageError for a missing password, a directory that cannot be written, that is in use or
    that another major version has written; OSError where the disk is full.
    """
    settings = SETTINGS | _parse(overrides)
    make_ready(directory, read_password(password_file))
    # as with postmaster.pid; /tmp outlives a container that is started again within its pod
    sockets = Path(settings["unix_socket_directories"])
    (sockets / f".s.PGSQL.{settings['port']}.lock").unlink(missing_ok=True)
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = str(program("postgres"))
    os.execv(server, [server, "-D", str(directory), *options])


def make_ready(directory: Path, password: str) -> None:
    """Makes the directory one that a server can start on, whatever was left there.

    Holds a lock that the server inherits, and all its processes with it: two containers on one
    volume would destroy the data. Raises OSError and UsageError.
    """
    _check_user()
    try:
        _lock(directory)
    except PermissionError as error:
        raise UsageError(
            f"{directory.parent}: user {os.geteuid()} may not write there; give it the volume: "
            "securityContext.fsGroup 10001 in a cluster, chown 10001 on a host"
        ) from error
    if not directory.exists():
        _initialise(directory)
    _check_version(directory)
    directory.chmod(0o700)  # a mounted volume's group may have been given rights again
    # the lock says that its server is gone; the number may be another process's by now
    (directory / "postmaster.pid").unlink(missing_ok=True)
    write_text(directory / "pg_hba.conf", HBA)
    _execute(directory, f"ALTER ROLE {ROLE} PASSWORD {_quoted(password)}")


def read_password(file: Path) -> str:
    """The password in `file`. Raises UsageError, which never repeats it."""
    try:
        password = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"HPO_PASSWORD_FILE: cannot read {file}: {error}") from error
    if not password or not password.isprintable():
        raise UsageError(f"HPO_PASSWORD_FILE: {file} must hold one line with the password")
    return password


def _parse(overrides: Sequence[str]) -> dict[str, str]:
    for override in overrides:
        name, equals, _ = override.partition("=")
        if not (equals and name.isidentifier()):
            raise UsageError(f"a setting must be NAME=VALUE, got {override!r}")
    return dict(override.split("=", 1) for override in overrides)


def _check_user() -> None:
    if os.geteuid() == 0:
        raise UsageError("PostgreSQL refuses to run as root: run the container as user 10001")
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise UsageError(
            f"user {os.geteuid()} has no name in /etc/passwd, which initdb wants: run as 10001"
        ) from error


def _lock(directory: Path) -> None:
    held = os.open(directory.with_name(f"{directory.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(held, True)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise UsageError(f"{directory}: another server runs on it; stop that one") from None
            time.sleep(0.2)


def _initialise(directory: Path) -> None:
    """Makes the data directory beside its place and puts it there when it is whole."""
    new = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # of a start that was interrupted
    new.mkdir(mode=0o700)
    run(
        "initdb",
        [
            *("-D", str(new), "-U", SUPERUSER, "-E", "UTF8", "--auth=reject"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
    )
    _execute(new, f"CREATE ROLE {ROLE} LOGIN", f"CREATE DATABASE {ROLE} OWNER {ROLE}")
    new.rename(directory)
    sync_directory(directory.parent)


def _check_version(directory: Path) -> None:
    file = directory / "PG_VERSION"
    if not file.exists():
        raise UsageError(
            f"{directory}: not a PostgreSQL data directory, and not empty; mount another volume"
        )
    found, wanted = file.read_text().strip(), major_version()
    if found != wanted:
        raise UsageError(
            f"{directory}: written by PostgreSQL {found}, this is {wanted}: dump it with the image "
            "that wrote it (hpo backup), start on an empty volume, and restore (hpo restore)"
        )


def _execute(directory: Path, *statements: str) -> None:
    """Runs statements without a server, after recovering what a crash left. A password among them
    goes in through standard input and is not logged where it fails."""
    quiet: Mapping[str, str] = {"exit_on_error": "on", "log_min_error_statement": "panic"}
    options = [word for name, value in quiet.items() for word in ("-c", f"{name}={value}")]
    lines = "".join(f"{statement}\n" for statement in statements)
    run("postgres", ["--single", "-D", str(directory), *options, SUPERUSER], said=lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
