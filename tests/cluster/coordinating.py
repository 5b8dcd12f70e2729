"""The service in a thread of the test, with time sped up, to be stopped or killed at will.

    with coordinating(cluster):        # as `hpo coordinate` does, but in a thread
        eventually(...)

A kill is an exception out of the call it comes at: nothing after that line happens, and the session
with its lock ends, as with SIGKILL.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy.orm  # noqa: F401 - by Optuna only when asked; two threads that ask find half of it
from sqlalchemy import Connection, Engine, event

from coordinator.cluster import connection as cluster_connection
from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.service.health import Health
from coordinator.cluster.service.run import Service
from study.database import parse_url
from tests.cluster.fake.fake_cluster import FakeCluster


class Killed(BaseException):
    """The process is gone."""


class Stoppable(Health):
    """A loop that asks for it ends."""

    def __init__(self, over: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self.stopped = False
        self._over = over

    def turned(self) -> None:
        if self.stopped or self._over():
            raise Killed
        super().turned()


@contextmanager
def coordinating(cluster: FakeCluster) -> Iterator[Stoppable]:
    """Runs the service until the block ends; an error of its own is the block's."""
    health = Stoppable()
    errors: list[BaseException] = []
    connection = connect()
    service = Service(
        Api(connection, patience=1.0), parse_url(cluster.database, "the cluster"), health
    )

    def run() -> None:
        try:
            service.run()
        except Killed:
            pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="coordinator")
    thread.start()
    try:
        yield health
    finally:
        health.stopped = True
        thread.join(20)
        connection.client.close()
    assert not thread.is_alive()
    for error in errors:
        raise error


class Killer:
    """Lets so many writes happen, of whatever kind, and kills at the next one."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.armed = True
        self.killed_at = ""
        self._writes = False

    def about_to_write(self, what: str) -> None:
        """Called before every write to the cluster, the database and the volumes."""
        if self.armed and self.left == 0:
            self.killed_at = what
            raise Killed
        self.left -= 1

    def note_statement(self, _: Connection, __: Any, statement: str, *___: Any) -> None:
        """A transaction that only reads is no write."""
        words = re.sub(r"--.*", "", statement).split()
        if words[0].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE"):
            self._writes = True

    def rolled_back(self, _: Connection) -> None:
        """It wrote nothing after all."""
        self._writes = False

    def about_to_commit(self, _: Connection) -> None:
        """The moment at which a transaction happens or does not."""
        writes, self._writes = self._writes, False
        if writes:
            self.about_to_write("COMMIT")

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, as a write."""

        def writing(*arguments: Any) -> Any:
            self.about_to_write(function.__name__)
            return function(*arguments)

        return writing


class KilledApi(Api):
    """One whose writes may be its last."""

    def __init__(self, connection: cluster_connection.Connection, killer: Killer) -> None:
        super().__init__(connection, patience=1.0)
        self._killer = killer

    def _answer(self, verb: str, resource: str, name: str, **request: Any) -> bytes:
        if verb not in ("get", "list"):
            self._killer.about_to_write(f"{verb} {resource}")
        return super()._answer(verb, resource, name, **request)


def coordinate_until_killed(cluster: FakeCluster, killer: Killer, over: Callable[[], bool]) -> None:
    """Runs the service in this thread until it is killed, or `over`."""
    connection, health = connect(), Stoppable(over)
    service = Service(
        KilledApi(connection, killer), parse_url(cluster.database, "the cluster"), health
    )
    hooks: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", killer.note_statement),
        ("rollback", killer.rolled_back),
        ("commit", killer.about_to_commit),
    ]
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("rename", "replace"):  # the last call of every write to a volume
            patch.setattr(Path, name, killer.before(getattr(Path, name)))
        try:
            service.run()
        except Killed:
            return
        finally:
            killer.armed = False
            for name, hook in hooks:
                event.remove(Engine, name, hook)
            connection.client.close()
