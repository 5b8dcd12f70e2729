"""Whether a worker is alive and ready, over HTTP, for probes and for people.

    /healthz  200 while the supervisor's loop has turned within the last 180 s, else 503
    /readyz   200 while trials train or the next one could begin at once, else 503

Both answer one line of JSON: the supervisor's own state, nothing of the database and no secret.
Served by a thread of its own, from before the database is reached: a worker that waits for it is
alive and not ready. Knows nothing of what the supervisor does.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from study.errors import UsageError

TURN_SECONDS = 180.0  # longer than any wait of the supervisor; see its own limits
CLIENT_SECONDS = 5.0  # for a request to come in

log = logging.getLogger(__name__)


class Health:
    """What a worker says of itself. Written by the supervisor's thread, read by any."""

    def __init__(self, worker: str, study: str) -> None:
        self._worker = worker
        self._study = study
        self._lock = threading.Lock()
        self._state = "waits for the database"
        self._ready = False
        self._trials: dict[int, int | None] = {}
        self._turned_at = time.monotonic()

    def turned(self) -> None:
        """The loop goes round, or a wait within it came to one of its ends."""
        with self._lock:
            self._turned_at = time.monotonic()

    def say(
        self, state: str, *, ready: bool = False, trials: Mapping[int, int | None] | None = None
    ) -> None:
        """What the worker does now; `trials` are numbers in hand with their newest epoch."""
        with self._lock:
            self._state, self._ready = state, ready
            self._trials = dict(trials or {})
            self._turned_at = time.monotonic()

    def answer(self, path: str) -> tuple[int, str]:
        """HTTP status and line for a path."""
        with self._lock:
            idle = time.monotonic() - self._turned_at
            holds = {"/healthz": idle < TURN_SECONDS, "/readyz": self._ready}
            content = {
                "worker": self._worker,
                "study": self._study,
                "state": self._state,
                "ready": self._ready,
                "trials": [{"number": n, "epoch": e} for n, e in self._trials.items()],
                "seconds_since_turn": round(idle, 1),
            }
        if path not in holds:
            return 404, json.dumps({"paths": list(holds)})
        return (200 if holds[path] else 503), json.dumps(content)


@contextmanager
def served(health: Health, port: int | None) -> Iterator[int | None]:
    """Serves while the block runs and gives the port; None: serves nothing. Raises UsageError for
    a port that cannot be had."""
    if port is None:
        yield None
        return
    try:
        server = _Server(health, port)
    except OSError as error:
        raise UsageError(f"HPO_HEALTH_PORT: port {port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    log.info("health: port %d", server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """On every address of the machine: a probe comes to the pod's, of either family."""

    daemon_threads = True
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET

    def __init__(self, health: Health, port: int) -> None:
        self.health = health
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        """Of both families where the machine has both. HTTPServer's own would ask the name service
        for this machine's name, which takes long where it may not be asked."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """A probe that hangs up early is no news either."""
        log.debug("health: %s hung up", client_address)


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answers a probe."""
        status, line = self.server.health.answer(self.path)
        body = f"{line}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A probe every few seconds is no news."""
