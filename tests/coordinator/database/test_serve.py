"""The server's container starts on whatever it finds, keeps the data and stops at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest
from sqlalchemy.exc import OperationalError

from study.database import connect

from .conftest import Container, eventually

Make = Callable[[], Container]


@pytest.fixture
def volume(container: Make) -> Container:
    return container()


def test_it_starts_on_an_empty_volume_and_lets_in_who_has_the_password(volume: Container) -> None:
    server = volume.serve()
    assert volume.query("SELECT current_user || current_database()") == "hpohpo"
    assert volume.query("SELECT rolsuper FROM pg_roles WHERE rolname = 'hpo'") is False
    right, volume.password = volume.password, "wrong"
    with pytest.raises(OperationalError, match="password authentication failed"):
        volume.query("SELECT 1")
    volume.password = right
    assert volume.password not in " ".join(psutil.Process(server.pid).cmdline())


def test_sigterm_stops_it_at_once_though_clients_stay(volume: Container) -> None:
    server = volume.serve()
    engine = connect(volume.url())
    with engine.connect():
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=20)
    engine.dispose()
    assert server.returncode == 0
    assert "database system is shut down" in said


def test_after_a_kill_it_starts_again_with_its_data(volume: Container) -> None:
    server = volume.serve()
    volume.query("CREATE TABLE kept AS SELECT 7 AS n")
    assert server.poll() is None
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    # as left by a container whose process numbers begin anew
    left = volume.root / "data" / "postmaster.pid"
    left.write_text("\n".join([str(os.getpid()), *left.read_text().splitlines()[1:]]))
    volume.serve()
    assert volume.query("SELECT n FROM kept") == 7


def test_a_new_password_holds_from_the_next_start(volume: Container) -> None:
    server = volume.serve()
    old = volume.password
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    volume.password = "a new one"
    volume.serve()
    assert volume.query("SELECT 1") == 1
    volume.password = old
    with pytest.raises(OperationalError):
        volume.query("SELECT 1")


def test_a_start_that_was_interrupted_is_begun_anew(volume: Container) -> None:
    half = volume.root / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    os.chown(half, volume.root.stat().st_uid, -1)
    os.chown(half / "PG_VERSION", volume.root.stat().st_uid, -1)
    volume.serve()
    assert volume.query("SELECT 1") == 1


def test_a_second_server_on_the_volume_waits_until_the_first_has_ended(volume: Container) -> None:
    first = volume.serve()
    second = volume.start("serve-postgres", f"port={volume.port}", "listen_addresses=127.0.0.1")
    eventually("it waits for the lock", lambda: has_open(second, "data.lock"), 20)
    assert volume.is_ready()
    first.send_signal(signal.SIGTERM)
    first.wait(20)
    eventually("the second serves", volume.is_ready, 30)
    assert second.poll() is None


def has_open(process: subprocess.Popen[str], name: str) -> bool:
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
    return any(file.path.endswith(name) for each in family for file in each.open_files())


def test_a_directory_of_another_major_version_says_how_to_go_on(volume: Container) -> None:
    data = volume.root / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")
    os.chown(data, volume.root.stat().st_uid, -1)
    status, said = volume.run("serve-postgres")
    assert status == 2
    assert said == (
        f"hpo: {data}: written by PostgreSQL 17, this is 18: dump it with the image that wrote it "
        "(hpo backup), start on an empty volume, and restore (hpo restore)\n"
    )


def test_a_directory_of_something_else_is_left_alone(volume: Container) -> None:
    (volume.root / "data").mkdir()
    (volume.root / "data" / "thesis.tex").touch()
    status, said = volume.run("serve-postgres")
    assert (status, said.count("\n")) == (2, 1)
    assert "not a PostgreSQL data directory" in said
    assert (volume.root / "data" / "thesis.tex").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives the volume to somebody else")
def test_a_volume_that_cannot_be_written_says_whom_to_give_it_to(volume: Container) -> None:
    os.chown(volume.root, 0, 0)
    status, said = volume.run("serve-postgres")
    assert (status, said.count("\n")) == (2, 1)
    assert "fsGroup 10001" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="wants to be root")
def test_root_is_told_to_be_somebody_else(volume: Container) -> None:
    volume.user = "root"
    status, said = volume.run("serve-postgres")
    assert (status, said) == (
        2,
        "hpo: PostgreSQL refuses to run as root: run the container as user 10001\n",
    )


@pytest.mark.parametrize(
    ("settings", "environment", "told"),
    [
        ((), {"HPO_PASSWORD_FILE": "/no/such"}, "HPO_PASSWORD_FILE: cannot read /no/such"),
        ((), {"HPO_PASSWORD_FILE": "/dev/null"}, "must hold one line with the password"),
        ((), {"HPO_PASSWORD_FILE": ""}, "HPO_PASSWORD_FILE must be set"),
        ((), {"PGDATA": ""}, "PGDATA must be set"),
        (("max_connections",), {}, "a setting must be NAME=VALUE, got 'max_connections'"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    volume: Container, settings: tuple[str, ...], environment: dict[str, str], told: str
) -> None:
    status, said = volume.run("serve-postgres", *settings, **environment)
    assert (status, said.count("\n")) == (2, 1)
    assert told in said
    assert not (volume.root / "data").exists()
