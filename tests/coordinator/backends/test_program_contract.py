"""What every way to call a verb of `hpo-worker` promises, tried on real programs."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from coordinator.backends.docker_program import DockerProgram
from coordinator.backends.surroundings import Surroundings
from coordinator.worker_program import LocalProgram, WorkerProgram
from study.errors import HpoError, UsageError
from tests.engine import coordinator_image, engine_with

MakeProgram = Callable[[str], WorkerProgram]
"""Of the source of a Python program that stands in for `hpo-worker`."""


def nothing_around(project: str) -> Surroundings:
    return Surroundings(
        image=coordinator_image(),
        project=project,
        network="none",
        user=f"{os.getuid()}:{os.getgid()}",
        working_directory="/",
        mounts=(),
        environment={"FROM_SURROUNDINGS": "1"},
    )


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = engine_with(coordinator_image())
    yield client
    client.close()


@pytest.fixture
def project(client: docker.DockerClient) -> Iterator[str]:
    """Names the containers of a test; none is left."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    assert client.containers.list(all=True, filters={"label": f"hpo.project={name}"}) == []


@pytest.fixture(params=["local", "docker"])
def program(request: pytest.FixtureRequest) -> MakeProgram:
    if request.param == "local":
        return lambda source: LocalProgram([sys.executable, "-S", "-c", source])
    client: docker.DockerClient = request.getfixturevalue("client")
    around = nothing_around(request.getfixturevalue("project"))
    entrypoint = ["dumb-init", "--single-child", "--", "python", "-S", "-c"]
    return lambda source: DockerProgram(client, around, [*entrypoint, source])


def test_every_line_but_the_last_is_progress(program: MakeProgram) -> None:
    seen: list[dict[str, Any]] = []
    source = 'print(\'{"done": 1}\'); print(\'{"done": 2}\'); print(\'{"store": "s"}\')'
    assert program(source).call(["prepare"], {}, seen.append) == {"store": "s"}
    assert seen == [{"done": 1}, {"done": 2}]


@pytest.mark.parametrize(("status", "kind"), [(2, UsageError), (1, HpoError)])
def test_a_failed_call_raises_in_the_programs_own_words(
    program: MakeProgram, status: int, kind: type[HpoError]
) -> None:
    source = (
        "import sys; print('12:00 I decoding', file=sys.stderr);"
        f" print('hpo-worker: a class is empty', file=sys.stderr); sys.exit({status})"
    )
    with pytest.raises(HpoError, match=r"^a class is empty$") as raised:
        program(source).call(["prepare"], {})
    assert type(raised.value) is kind


def test_a_killed_program_is_an_error_that_names_the_verb(program: MakeProgram) -> None:
    source = "import os; os.kill(os.getpid(), 9)"
    with pytest.raises(HpoError, match="measure ended with status -9"):
        program(source).call(["measure"], {})


def test_a_program_gets_its_arguments_and_the_environment(program: MakeProgram) -> None:
    source = (
        "import json, os, sys;print(json.dumps({'said': [sys.argv[1:], os.environ['HPO_STUDY']]}))"
    )
    called = program(source)
    assert called.call(["measure", "--trials", "1"], {"HPO_STUDY": "birds"}) == {
        "said": [["measure", "--trials", "1"], "birds"]
    }


def test_what_ends_a_call_ends_the_program_first(program: MakeProgram) -> None:
    source = "import time; print('{}', flush=True); print('{}', flush=True); time.sleep(60)"

    def interrupt(_: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program(source).call(["prepare"], {}, interrupt)


def test_a_missing_image_is_told_with_the_way_to_it(client: docker.DockerClient) -> None:
    around = nothing_around("test-missing")
    missing = Surroundings(**{**vars(around), "image": "no-such-image:0"})
    with pytest.raises(UsageError, match=r"no-such-image.*make images") as raised:
        DockerProgram(client, missing).call(["prepare"], {})
    assert "\n" not in str(raised.value)
    with pytest.raises(NotFound):
        client.images.get("no-such-image:0")
