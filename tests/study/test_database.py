"""Where the database URL comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError, PendingRollbackError

from study.database import connect, database_url, is_outage, parse_url, place
from study.errors import DatabaseUnreachable, UsageError


def test_the_file_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "storage"
    file.write_text("postgres://a:b@file-host/db\n")
    monkeypatch.setenv("HPO_STORAGE", "postgresql://a:b@variable-host/db")
    found = database_url()
    assert found is not None
    assert found.host == "variable-host"
    monkeypatch.setenv("HPO_STORAGE_FILE", str(file))
    found = database_url()
    assert found is not None
    assert (found.host, found.drivername) == ("file-host", "postgresql+psycopg2")


def test_without_either_there_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPO_STORAGE", raising=False)
    monkeypatch.delenv("HPO_STORAGE_FILE", raising=False)
    assert database_url() is None


@pytest.mark.parametrize("given", ["sqlite:///x.db", "mysql://u:hush@h/d", "hush", "://hush@"])
def test_other_urls_are_refused_without_repeating_them(given: str) -> None:
    with pytest.raises(UsageError, match="HPO_STORAGE") as caught:
        parse_url(given, "HPO_STORAGE")
    assert "hush" not in str(caught.value)


def test_an_unreadable_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPO_STORAGE_FILE", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match=r"cannot read .*missing"):
        database_url()


def test_a_place_has_no_user_and_no_password() -> None:
    url = parse_url("postgresql://me:hush@db.example:6432/trials", "test")
    assert place(url) == "db.example:6432/trials"


def test_a_place_of_several_hosts_names_them() -> None:
    assert place(parse_url("postgresql://me:hush@/db?host=a&host=b", "test")) == "a,b/db"


def test_no_answer_is_one_line_with_its_cause_and_without_the_password() -> None:
    url = parse_url("postgresql://me:hush@127.0.0.1:1/trials", "test")
    with pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1:1/trials .*refused") as caught:
        connect(url)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_asked_after_a_connection_broke_is_an_outage_too(postgres_url: URL) -> None:
    engine = connect(postgres_url)
    with engine.connect() as broken, engine.connect() as other:
        number = broken.scalar(text("SELECT pg_backend_pid()"))
        other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
        with pytest.raises(OperationalError) as first:
            broken.execute(text("SELECT 1"))
        with pytest.raises(PendingRollbackError) as second:
            broken.execute(text("SELECT 1"))
    engine.dispose()
    assert is_outage(first.value)
    assert is_outage(second.value)
