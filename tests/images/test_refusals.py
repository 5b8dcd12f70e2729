"""What `docker run` of one worker says where something is missing: one line, exit status 2."""

from __future__ import annotations

import pytest

from tests.engine import worker_image
from tests.images.conftest import PASSWORD, Database, Engine


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "HPO_STUDY must name the study"),
        ({"HPO_STUDY": "birds"}, "must name a database"),
        ({"HPO_STUDY": "birds", "HPO_STORAGE_FILE": "/no/file"}, "cannot read /no/file"),
        (
            {"HPO_STUDY": "birds", "HPO_STORAGE": f"postgresql://me:{PASSWORD}@127.0.0.1:1/d"},
            "127.0.0.1",
        ),
    ],
)
def test_what_is_missing_is_one_line_and_status_2(
    containers: Engine, environment: dict[str, str], said: str
) -> None:
    ended = containers.run(worker_image(), environment=environment)
    assert (ended.status, ended.out) == (2, "")
    line = ended.err.splitlines()[-1]
    assert line.startswith("hpo-worker: ")
    assert said in line
    assert PASSWORD not in ended.err


def test_an_unknown_study_is_one_line_and_status_2(containers: Engine, database: Database) -> None:
    ended = containers.run(
        worker_image(),
        environment={"HPO_STUDY": "birds", "HPO_STORAGE_FILE": "/run/secrets/storage"},
        mounts=[database.file],
    )
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line == "hpo-worker: there is no study 'birds' in the database; there are: none"
