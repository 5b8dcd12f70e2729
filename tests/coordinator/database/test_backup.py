"""A dump brings back a ledger, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from coordinator.database.backup import KEPT, back_up, dumps, restore
from study.config.records import StudyConfig
from study.database import connect
from study.errors import UsageError
from study.registry import Registry

from .conftest import Container


@pytest.fixture(autouse=True)
def without_dumps(request: pytest.FixtureRequest) -> None:
    """Each test begins with none and an empty database."""
    if "database" in request.fixturenames:
        database = request.getfixturevalue("database")
        for dump in (database.root / "backups").iterdir():
            dump.unlink()
        database.query("DROP OWNED BY hpo")


def test_a_ledger_is_restored_onto_a_new_server_and_goes_on(
    database: Container, container: Callable[[], Container], config: StudyConfig
) -> None:
    registry = Registry(database.url())
    study = registry.create(config, store="f" * 64, workers=2)
    registry.close()
    assert database.run("backup")[0] == 0
    other = container()
    other.password = database.password
    other.serve()
    for dump in dumps(database.root / "backups"):
        shutil.copy(dump, other.root / "backups")
    status, said = other.run("restore")
    assert status == 0, said
    registry = Registry(other.url())
    assert registry.find("birds") == study
    assert registry.create(config, store="f" * 64, workers=3).workers == 3  # its rights are there
    registry.close()


def test_restoring_replaces_what_came_after_the_dump(database: Container) -> None:
    backups = database.root / "backups"
    database.query("CREATE TABLE thing AS SELECT 1 AS n")
    dump = back_up(database.url(), backups)
    database.query("UPDATE thing SET n = 2")
    assert restore(database.url(), backups, dump.name) == dump
    assert database.query("SELECT n FROM thing") == 1


def test_a_database_in_use_is_not_restored_over(database: Container) -> None:
    backups = database.root / "backups"
    back_up(database.url(), backups)
    engine = connect(database.url())
    with engine.connect(), pytest.raises(UsageError, match="in use by 1 connections"):
        restore(database.url(), backups)
    engine.dispose()


def test_a_dump_that_breaks_off_changes_nothing(database: Container) -> None:
    backups = database.root / "backups"
    database.query(
        "CREATE TABLE thing AS SELECT repeat(md5(n::text), 9) FROM generate_series(1, 999) n"
    )
    dump = back_up(database.url(), backups)
    os.truncate(dump, dump.stat().st_size - 2000)
    status, said = database.run("restore")
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("hpo: pg_restore: ")
    assert database.query("SELECT count(*) FROM thing") == 999


def test_only_the_newest_dumps_are_kept_and_nothing_else_is_touched(database: Container) -> None:
    backups = database.root / "backups"
    for day in range(KEPT + 3):
        (backups / f"hpo-20200101T0000{day:02}Z.dump").touch()
    (backups / "mine.dump").touch()
    (backups / ".unfinished.dump").touch()
    newest = back_up(database.url(), backups)
    assert len(dumps(backups)) == KEPT
    assert dumps(backups)[-1] == newest
    assert (backups / "mine.dump").exists()
    assert not (backups / ".unfinished.dump").exists()


@pytest.mark.parametrize(
    ("verb", "environment", "told"),
    [
        ("backup", {"HPO_BACKUPS": ""}, "HPO_BACKUPS must be set"),
        ("backup", {"HPO_BACKUPS": "/no/such"}, "/no/such"),
        ("restore", {"HPO_BACKUP": "hpo-1.dump"}, "there is no dump hpo-1.dump; there are: none"),
        ("restore", {"HPO_STORAGE_FILE": ""}, "must name the file with the database's URL"),
        ("serve-pgbouncer", {"HPO_STORAGE_FILE": "", "HPO_STORAGE": ""}, "HPO_STORAGE_FILE must"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    container: Callable[[], Container], verb: str, environment: dict[str, str], told: str
) -> None:
    status, said = container().run(verb, **environment)
    assert (status, said.count("\n")) == (2, 1)
    assert told in said


def test_a_database_that_is_away_is_told_without_its_password(
    container: Callable[[], Container],
) -> None:
    volume = container()
    status, said = volume.run("backup")
    assert (status, said.count("\n")) == (2, 1)
    assert "did not answer" in said
    assert volume.password not in said
    assert dumps(volume.root / "backups") == []
