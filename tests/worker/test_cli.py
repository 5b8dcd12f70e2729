"""`hpo-worker` given what it cannot use: one line, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from study.config.records import StudyConfig
from study.embedded import EmbeddedPostgres
from study.registry import Registry
from worker.environment import DATABASE_PATIENCE


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["run"], {"HPO_STUDY": ""}, "HPO_STUDY must name the study"),
        (["run"], {}, "there is no study 'birds'"),
        (["measure", "--trials", "a", "--output", "x"], {}, "--trials must be numbers"),
        (["run"], {"HPO_LOG": "loud"}, "HPO_LOG must be one of CRITICAL"),
        (["run"], {"HPO_STORAGE": "mysql://me:hush@h/d"}, "must be a postgresql:// URL"),
        (["prepare", "no-such.yaml"], {}, "no-such.yaml: cannot be read"),
        (["prepare", "no-such.yaml"], {"HPO_RESULT": "/"}, "HPO_RESULT: / cannot be written"),
        (["run"], {"HPO_HEALTH_PORT": "http"}, "HPO_HEALTH_PORT must be a port"),
        (["run"], {"HPO_DATA_PATIENCE": "soon"}, "HPO_DATA_PATIENCE must be seconds"),
        (["run"], {"HPO_DATABASE_PATIENCE": "-1"}, "HPO_DATABASE_PATIENCE must be seconds"),
        (["run"], {"HPO_STORAGE_FILE": "/none"}, "HPO_STORAGE_FILE: cannot read /none"),
        (
            ["prepare", "configs/fashion.yaml"],
            {"HPO_THREADS": "abc"},
            "HPO_THREADS must be a whole number above 0, got 'abc'",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str],
    environment: dict[str, str],
    said: str,
    postgres_url: URL,
) -> None:
    line = the_error(postgres_url, *arguments, **environment)
    assert said in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"username": "stranger", "password": "wrong-hush"}, "password authentication failed"),
        ({"username": "stranger", "password": None}, "no password supplied"),
        ({"username": "nobody-hush"}, "does not exist"),
        ({"database": "none"}, 'database "none" does not exist'),
    ],
)
def test_a_database_that_refuses_is_not_waited_for(
    changes: dict[str, str | None], said: str, postgres: EmbeddedPostgres, postgres_url: URL
) -> None:
    ask_for_passwords_of("stranger", postgres)
    began = time.monotonic()
    line = the_error(postgres_url.set(**changes), "run")  # type: ignore[arg-type]
    assert time.monotonic() - began < DATABASE_PATIENCE
    assert " refuses: " in line
    assert said in line


def test_artifacts_that_cannot_be_written_are_told_before_a_trial_is_claimed(
    postgres_url: URL, new_study: Callable[..., StudyConfig], tmp_path: Path
) -> None:
    registry = Registry(postgres_url)
    study = registry.create(new_study(), store="unseen", workers=1)
    registry.close()
    (tmp_path / "file").touch()
    line = the_error(
        postgres_url, "run", HPO_STUDY=study.name, HPO_ARTIFACTS=str(tmp_path / "file")
    )
    assert "HPO_ARTIFACTS: " in line
    assert "must be writable for user" in line


def the_error(url: URL, *arguments: str, **environment: str) -> str:
    """The one line that the program says before it ends with status 2."""
    ended = subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "HPO_STORAGE": url.render_as_string(hide_password=False),
            "HPO_STUDY": "birds",
            **environment,
        },
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("hpo-worker: ")
    assert "wrong-hush" not in line
    assert ":hush@" not in line
    return line


def ask_for_passwords_of(role: str, server: EmbeddedPostgres) -> None:
    """Makes the role, once, and has the server ask for its password."""
    rules = server.directory / "pg_hba.conf"
    rule = f"local all {role} scram-sha-256\n"
    if rules.read_text().startswith(rule):
        return
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'right'"))
        rules.write_text(rule + rules.read_text())
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
