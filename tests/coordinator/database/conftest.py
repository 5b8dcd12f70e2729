"""A server as its container runs it: under dumb-init, and not as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from coordinator.database.programs import program
from study.embedded import EmbeddedPostgres
from tests.eventually import eventually

# Where the tests run as root, as PostgreSQL refuses to; all is imported before root's Python can no
# longer be read.
AS_USER = """
import os, pwd, sys
import coordinator.cli, coordinator.database.backup, coordinator.database.pooler
import coordinator.database.serve
name = sys.argv.pop(1)
if os.geteuid() == 0 and name != "root":
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
coordinator.cli.main()
"""


@dataclass
class Container:
    """Runs verbs of `hpo` as a container of the coordinator image does."""

    user: str
    root: Path
    """A folder that the user may write to: the volume."""
    port: int
    password: str = 'it\'s "first" \\ pässword'
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        password, storage = self.root / "password", self.root / "storage"
        password.write_text(self.password)
        storage.write_text(self.url().render_as_string(hide_password=False))
        return {
            **os.environ,
            "PGDATA": str(self.root / "data"),
            "HPO_PASSWORD_FILE": str(password),
            "HPO_STORAGE_FILE": str(storage),
            "HPO_BACKUPS": str(self.root / "backups"),
            "TMPDIR": str(self.root),
        }

    def start(
        self, *arguments: str, program: str = AS_USER, **environment: str
    ) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("dumb-init")), "--single-child"),
                *("--rewrite", "15:2", "--", sys.executable, "-c", program, self.user, *arguments),
            ],
            env={**self.environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(started)
        return started

    def serve(self, *settings: str) -> subprocess.Popen[str]:
        """The database server, ready."""
        started = self.start(
            *("serve-postgres", f"port={self.port}", f"unix_socket_directories={self.root}"),
            *("shared_buffers=16MB", "listen_addresses=127.0.0.1", *settings),
        )
        eventually("the server is ready", lambda: self.is_ready() or started.poll() is not None, 30)
        assert started.poll() is None, started.communicate()[0]
        return started

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """A verb to its end: exit status and what it printed."""
        started = self.start(*arguments, **environment)
        said, _ = started.communicate(timeout=60)
        return started.returncode, said

    def is_ready(self, port: int | None = None) -> bool:
        asked = [str(program("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port or self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def url(self) -> URL:
        return URL.create(
            "postgresql+psycopg2", "hpo", self.password, "127.0.0.1", self.port, "hpo"
        )

    def query(self, statement: str) -> object:
        engine = create_engine(self.url())
        try:
            with engine.begin() as connection:
                result = connection.execute(text(statement))
                return result.scalar_one() if result.returns_rows else None
        finally:
            engine.dispose()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def make_container(user: str) -> Container:
    """With an empty volume."""
    root = Path(tempfile.mkdtemp(prefix="hpo-volume-"))
    root.chmod(0o755)
    shutil.chown(root, user)
    (root / "backups").mkdir()
    shutil.chown(root / "backups", user)
    return Container(user, root, free_port())


def remove(container: Container) -> None:
    for process in container.processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    shutil.rmtree(container.root)


@pytest.fixture(scope="session")
def user(postgres: EmbeddedPostgres) -> str:
    """Who runs PostgreSQL where root may not."""
    return postgres._server.system_user or pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def container(user: str) -> Iterator[Callable[[], Container]]:
    """Makes containers with an empty volume; nothing of them is left."""
    made: list[Container] = []

    def make() -> Container:
        made.append(make_container(user))
        return made[-1]

    yield make
    for each in made:
        remove(each)


@pytest.fixture(scope="module")
def database(user: str) -> Iterator[Container]:
    """A server that tests share: each leaves it running."""
    made = make_container(user)
    made.serve()
    yield made
    remove(made)
