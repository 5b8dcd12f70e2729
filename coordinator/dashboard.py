"""Serves optuna-dashboard behind a token: on this machine, or as a cluster's service.

Its screens are its own; the studies are Optuna's tables. Knows nothing of leases and workers.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import optuna
from optuna_dashboard import wsgi  # type: ignore[import-untyped]  # it ships no types

from coordinator.attached import AttachedFiles
from coordinator.gate import Gate
from study.errors import UsageError

HOST = "127.0.0.1"  # other machines come in through ssh -L, which brings its own lock
TOKEN_LENGTH = 16  # characters at least: what can be tried out is no lock


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each request: the screens ask for several things at once."""

    daemon_threads = True  # a browser that keeps a connection open does not keep us


class QuietHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def given_token() -> str | None:
    """The token in the file HPO_DASHBOARD_TOKEN_FILE, for a dashboard that several people open;
    None: nobody gave one. Raises UsageError; the error never repeats it."""
    file = os.environ.get("HPO_DASHBOARD_TOKEN_FILE")
    if not file:
        return None
    try:
        token = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"HPO_DASHBOARD_TOKEN_FILE: cannot read {file}: {error}") from error
    if not re.fullmatch(rf"[\w~.-]{{{TOKEN_LENGTH},}}", token, flags=re.ASCII):  # fits an URL
        raise UsageError(
            f"HPO_DASHBOARD_TOKEN_FILE: {file} must hold at least {TOKEN_LENGTH} letters, digits "
            "and -._~, and nothing else"
        )
    return token


@contextmanager
def dashboard(
    storage: optuna.storages.BaseStorage,
    artifacts: AttachedFiles | None = None,
    *,
    study_id: int | None = None,
    host: str = HOST,
    port: int = 0,
    token: str | None = None,
    writable: bool = False,
) -> Iterator[tuple[Server, str]]:
    """A server that listens, to be run by its `serve_forever`, and the URL to open, which opens the
    study's page where one is given.

    artifacts: where files of trials are; None shows none. port: 0 takes any that is free. token:
    None makes one up, which is then part of the URL; a given one is not, for the URL goes into
    logs. Raises UsageError where the port is taken.
    """
    secret = token or secrets.token_urlsafe(24)
    try:
        server = Server((host, port), QuietHandler)
    except (OSError, OverflowError) as error:
        raise UsageError(f"--port {port}: cannot listen on {host}: {error}") from error
    with server:
        screens = wsgi(storage, artifacts)
        server.set_app(Gate(screens, token=secret, cookie=cookie_name(secret), writable=writable))
        page = "dashboard" if study_id is None else f"dashboard/studies/{study_id}"
        url = f"http://{host}:{server.server_port}/{page}"
        yield server, f"{url}?token={secret}" if token is None else url


def cookie_name(token: str) -> str:
    """Browsers send cookies to all ports of a host, and behind a port-forward a dashboard does not
    know which port it has: each has a name of its own by its token, of which the name tells
    nothing."""
    return f"hpo-dashboard-{hashlib.sha256(token.encode()).hexdigest()[:12]}"
