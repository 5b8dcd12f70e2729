"""What a worker's container is made of, from records alone; and what the engine's answers mean."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coordinator.backends import container, container_state, shares
from coordinator.backends.surroundings import Surroundings, of, own
from study import exit_codes
from study.config.records import ResourcesConfig
from study.errors import UsageError
from tests.engine import engine_with

INSPECTED: dict[str, Any] = {
    "Config": {
        "User": "1000:1000",
        "WorkingDir": "/home/ann/hpo",
        "Labels": {"com.docker.compose.project": "hpo"},
    },
    "NetworkSettings": {"Networks": {"hpo_default": {}}},
    "Mounts": [
        {"Type": "bind", "Source": "/home/ann/a", "Destination": "/home/ann/a", "RW": True},
        {"Type": "bind", "Source": "/home/ann/pw", "Destination": "/run/secrets/s", "RW": False},
        {"Type": "volume", "Name": "data", "Source": "/x", "Destination": "/data", "RW": True},
        {"Type": "bind", "Source": "/s", "Destination": "/run/docker.sock", "RW": True},
    ],
}
ENVIRONMENT = {
    "HPO_STORAGE_FILE": "/run/secrets/s",
    "HPO_STORAGE": "postgresql://hpo:hush@db/hpo",
    "HPO_BACKEND": "docker",
    "HPO_WORKER_IMAGE": "hpo-worker:1",
    "HPO_LOG": "DEBUG",
    "PATH": "/bin",
}


def surroundings(**changes: Any) -> Surroundings:
    return of({**INSPECTED, **changes}, "hpo-worker:1", ENVIRONMENT)


def test_a_worker_has_the_coordinators_network_user_and_mounts_but_not_the_engine() -> None:
    described = container.describe(surroundings(), ["run"], {})
    assert described["network"] == "hpo_default"
    assert described["user"] == "1000:1000"
    assert described["working_dir"] == "/home/ann/hpo"
    assert [
        (mount["Type"], mount["Source"], mount["Target"], mount["ReadOnly"])
        for mount in described["mounts"]
    ] == [
        ("bind", "/home/ann/a", "/home/ann/a", False),
        ("bind", "/home/ann/pw", "/run/secrets/s", True),
        ("volume", "data", "/data", False),
    ]


def test_an_engines_socket_of_another_name_is_no_workers_either(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "podman"))
        mount = {**INSPECTED["Mounts"][3], "Destination": str(tmp_path / "podman")}
        assert surroundings(Mounts=[mount]).mounts == ()


def test_a_worker_learns_of_the_database_by_a_file_never_by_its_environment() -> None:
    environment = container.describe(surroundings(), ["run"], {"HPO_STUDY": "birds"})["environment"]
    assert environment == {
        "HPO_STORAGE_FILE": "/run/secrets/s",
        "HPO_LOG": "DEBUG",
        "HPO_STUDY": "birds",
    }


def test_a_worker_is_locked_down_and_may_write_where_it_must() -> None:
    described = container.describe(surroundings(), ["run"], {})
    assert described["read_only"]
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges"]
    assert "exec" in described["tmpfs"]["/tmp"].split(",")


def test_one_gpu_is_asked_for_by_its_number() -> None:
    assert "device_requests" not in container.describe(surroundings(), ["run"], {})
    listed = shares.listed_gpus("GPU 0: H200 (UUID: a)\nGPU 1: H200 (UUID: b)\n")
    (request,) = container.describe(surroundings(), ["run"], {}, gpu=shares.gpu_of(3, listed))[
        "device_requests"
    ]
    assert request["DeviceIDs"] == ["1"]
    assert request["Capabilities"] == [["gpu"]]


def test_limits_are_those_of_the_study() -> None:
    assert container.limits(ResourcesConfig()) == {}
    limits = container.limits(ResourcesConfig(cpus=1.5, memory_gib=0.5))
    assert limits == {"nano_cpus": 1_500_000_000, "mem_limit": 2**29, "memswap_limit": 2**29}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"ExitCode": 0}, 0),
        ({"ExitCode": 3}, 3),
        ({"ExitCode": 137}, -9),
        ({"ExitCode": 139}, -11),
        ({"ExitCode": 143}, 143),
        ({"ExitCode": 255}, 255),
        ({"ExitCode": 128, "Status": "created"}, 127),
    ],
)
def test_an_exit_status_is_as_subprocess_gives_it(state: dict[str, Any], status: int) -> None:
    assert container_state.exit_status(state) == status


def test_an_engine_that_is_away_is_told_in_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "coordinator", "submit", "fashion", "--backend", "docker"],
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (exit_codes.USAGE, "")
    assert ended.stderr == (
        f"hpo: Docker does not answer at unix://{tmp_path}/none.sock: is it running, and may user "
        f"{os.geteuid()} use its socket? (No such file or directory)\n"
    )


def test_a_coordinator_that_is_no_container_is_told_the_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = engine_with()
    (tmp_path / "mountinfo").write_text("22 1 254:0 / / rw - ext4 /dev/root rw\n")
    monkeypatch.setattr("coordinator.backends.surroundings.MOUNTINFO", tmp_path / "mountinfo")
    with pytest.raises(UsageError, match=r"make submit BACKEND=docker"):
        own(client)
    client.close()
