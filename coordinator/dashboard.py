"""Serves optuna-dashboard on this machine, behind a token.

Its screens are its own; the studies are Optuna's tables. Knows nothing of leases and workers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import optuna
from optuna_dashboard import wsgi  # type: ignore[import-untyped]  # it ships no types

from coordinator.gate import Gate
from study.errors import UsageError

HOST = "127.0.0.1"  # other machines come in through ssh -L, which brings its own lock


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each request: the screens ask for several things at once."""

    daemon_threads = True  # a browser that keeps a connection open does not keep us


class QuietHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def dashboard(
    storage: optuna.storages.BaseStorage,
    *,
    study_id: int | None = None,
    port: int = 0,
    writable: bool = False,
) -> Iterator[tuple[Server, str]]:
    """A server that listens, to be run by its `serve_forever`, and the URL to open, which opens the
    study's page where one is given.

    port: 0 takes any that is free. Raises UsageError where the port is taken.
    """
    token = secrets.token_urlsafe(24)
    try:
        server = Server((HOST, port), QuietHandler)
    except (OSError, OverflowError) as error:
        raise UsageError(f"--port {port}: cannot listen on {HOST}: {error}") from error
    with server:
        port = server.server_port
        # browsers send cookies to all ports of a host, so each port's has a name of its own
        cookie = f"hpo-dashboard-{port}"
        server.set_app(Gate(wsgi(storage), token=token, cookie=cookie, writable=writable))
        page = "dashboard" if study_id is None else f"dashboard/studies/{study_id}"
        yield server, f"http://{HOST}:{port}/{page}?token={token}"
