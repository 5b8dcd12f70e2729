"""`hpo-worker` given what it cannot use: one line, and exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy.engine import URL


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["run"], {"HPO_STUDY": ""}, "HPO_STUDY must name the study"),
        (["run"], {}, "there is no study 'birds'"),
        (["measure", "--trials", "a", "--output", "x"], {}, "--trials must be numbers"),
        (["run"], {"HPO_LOG": "loud"}, "HPO_LOG must be one of CRITICAL"),
        (["run"], {"HPO_STORAGE": "mysql://me:hush@h/d"}, "must be a postgresql:// URL"),
        (["prepare", "no-such.yaml"], {}, "no-such.yaml: cannot be read"),
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
    url = postgres_url.render_as_string(hide_password=False)
    ended = subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "HPO_STORAGE": url, "HPO_STUDY": "birds", **environment},
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("hpo-worker: ")
    assert said in line
    assert "hush" not in line
