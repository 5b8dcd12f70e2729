"""The embedded server starts, is found, is restarted, and stops when nobody needs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from study.database import connect
from study.embedded import EmbeddedPostgres
from study.errors import DatabaseUnreachable, UsageError

HOLD = """
import sys
from study.database import connect, parse_url
engine = connect(parse_url(sys.argv[1], "test"))
with engine.connect():
    print("connected", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="hpo-embedded-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        yield server
        server.ensure_running()
        server.stop("immediate")


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.directory / "postmaster.pid").read_text().splitlines()[0])


def test_it_runs_and_only_its_owner_can_reach_it(server: EmbeddedPostgres) -> None:
    engine = connect(server.url())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        listening = connection.execute(text("SHOW listen_addresses")).scalar_one()
    engine.dispose()
    assert listening == ""
    assert server.directory.stat().st_mode & 0o077 == 0


def test_a_killed_server_is_started_again_with_its_data(server: EmbeddedPostgres) -> None:
    engine = connect(server.url())
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE kept (n integer)"))
    engine.dispose()
    process = psutil.Process(postmaster(server))
    children = process.children()
    process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process, *children], timeout=20)
    server.ensure_running()
    engine = connect(server.url())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM kept")).scalar_one() == 0
    engine.dispose()


def test_it_stops_only_when_no_other_process_is_connected(server: EmbeddedPostgres) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, server.url().render_as_string(hide_password=False)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "connected\n"
    assert not server.stop_if_idle(connect(server.url()))
    other.communicate("")
    assert server.stop_if_idle(connect(server.url()))
    assert not (server.directory / "postmaster.pid").exists()


def test_a_pid_that_is_another_process_by_now_is_not_taken_for_the_server(
    server: EmbeddedPostgres,
) -> None:
    server.stop("fast")
    lines = [str(os.getpid()), str(server.directory), "1", "5432", "/tmp", "", "1 1", "ready"]
    (server.directory / "postmaster.pid").write_text("\n".join(lines) + "\n")
    server.ensure_running()
    connect(server.url()).dispose()


def test_a_path_with_spaces_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="HPO_HOME"):
        EmbeddedPostgres(tmp_path / "my files" / "postgres")


def test_a_server_that_is_on_its_way_down_is_waited_for_and_started_again(
    server: EmbeddedPostgres,
) -> None:
    file = server.directory / "postmaster.pid"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:-1], "stopping"]) + "\n")
    ready = threading.Timer(0.5, file.write_text, ["\n".join(lines) + "\n"])
    ready.start()
    server.ensure_running()
    ready.join()
    connect(server.url()).dispose()


def test_a_server_that_cannot_start_is_an_outage_that_names_its_log(
    server: EmbeddedPostgres,
) -> None:
    server.stop("fast")
    control = server.directory / "global" / "pg_control"
    kept = control.read_bytes()
    control.write_bytes(b"")
    try:
        with pytest.raises(DatabaseUnreachable, match="does not start, see its log"):
            server.ensure_running()
    finally:
        control.write_bytes(kept)


def test_a_dead_server_that_nobody_reaped_is_not_taken_for_a_living_one(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    program = tmp_path / "postgres"
    program.symlink_to("/bin/true")
    server.stop("fast")
    dead = subprocess.Popen([str(program)])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    try:
        lines = [str(dead.pid), str(server.directory), "1", "5432", "/tmp", "", "1 1", "ready"]
        (server.directory / "postmaster.pid").write_text("\n".join(lines) + "\n")
        server.ensure_running()
        connect(server.url()).dispose()
    finally:
        dead.wait()
