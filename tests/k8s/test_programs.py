"""What containers are told to run exists, and reads what it is told."""

from __future__ import annotations

import re

import pytest

from coordinator import cli as coordinator_cli
from worker import cli as worker_cli

from .conftest import ROOT, VARIANTS, build

OF_OTHERS = {"HOME", "PGDATA"}  # read by libraries, and by PostgreSQL's programs
ROOMS = ("study", "worker", "coordinator")


def test_every_variable_is_one_that_the_code_reads() -> None:
    sources = "".join(
        file.read_text() for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))
    )
    read = set(re.findall(r'"(HPO_[A-Z_]+)"', sources))
    given = {
        variable["name"]
        for variant in VARIANTS
        for pod in build(*variant).pods()
        for container in pod.containers
        for variable in container["env"]
    }
    assert given <= read | OF_OTHERS


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "+".join(filter(None, variant)))
def test_every_command_is_a_verb(variant: tuple[str, str]) -> None:
    verbs = {"hpo-coordinator": _verbs(coordinator_cli), "hpo-worker": _verbs(worker_cli)}
    for pod in build(*variant).pods():
        for container in pod.containers:
            image = container["image"].partition(":")[0]
            assert container["args"][0] in verbs[image], pod.owner
            command = container.get("command", ["hpo"])
            assert command[-1] == "hpo", pod.owner


def _verbs(program: object) -> set[str]:
    commands = program.app.registered_commands  # type: ignore[attr-defined]
    return {command.name or command.callback.__name__.replace("_", "-") for command in commands}
