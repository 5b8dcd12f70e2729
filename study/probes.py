"""Answers probes over HTTP, each with a line of JSON, in a thread of its own.

Knows nothing of what is healthy: it asks.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Protocol

from study.errors import UsageError

CLIENT_SECONDS = 5.0  # for a request to come in

log = logging.getLogger(__name__)


class Answers(Protocol):
    """What knows how healthy a program is. Asked by several threads."""

    def answer(self, path: str) -> tuple[int, str]:
        """HTTP status and line for a path."""


@contextmanager
def served(health: Answers, port: int | None) -> Iterator[int | None]:
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

    def __init__(self, health: Answers, port: int) -> None:
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
