"""The dashboard of the cluster, where the stand-in for `kubectl port-forward` leads: the real gate
before an application that says `inside`; and the Secret with its token."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import make_server

from coordinator.dashboard import QuietHandler, cookie_name
from coordinator.gate import Gate
from tests.cluster.fake.fake_cluster import FakeCluster

TOKEN = "a-token-of-the-dashboard"


@contextmanager
def dashboard_of(cluster: FakeCluster, *, token: str = TOKEN) -> Iterator[None]:
    """Serves it."""

    def inside(_: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"inside"]

    gate = Gate(inside, token=token, cookie=cookie_name(token), writable=False)
    with make_server("127.0.0.1", 0, gate, handler_class=QuietHandler) as server:
        (cluster.folder / "forward").write_text(str(server.server_port))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()


def make_secret(cluster: FakeCluster) -> None:
    data = {"token": base64.b64encode(TOKEN.encode()).decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dashboard"}, "data": data}
    cluster.store.create("secrets", cluster.namespace, secret)
