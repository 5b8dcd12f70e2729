"""A change of code moves little: everything large is in layers below it that stay as they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.engine import coordinator_image, worker_image

ROOT = Path(__file__).parents[2]
MOST_MOVED = 5e6  # bytes
TAG = "test-layers"


@pytest.fixture
def changed(engine: docker.DockerClient, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Both images built from a copy in which one line of each room is another, by their names."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    for room in ("study", "worker", "coordinator"):
        with (tmp_path / room / "__init__.py").open("a") as file:
            file.write("CHANGED = True\n")
    # variables given to `make test-images` come along in MAKEFLAGS
    subprocess.run(["make", "images", f"TAG={TAG}"], cwd=tmp_path, check=True)
    images = {
        old: f"{old.rpartition(':')[0]}:{TAG}" for old in (coordinator_image(), worker_image())
    }
    yield images
    for image in images.values():
        engine.images.remove(image)


@pytest.mark.timeout(1200)
def test_a_change_of_code_moves_less_than_five_megabytes(
    engine: docker.DockerClient, changed: dict[str, str]
) -> None:
    for old, new in changed.items():
        before, after = (engine.images.get(name).attrs["RootFS"]["Layers"] for name in (old, new))
        assert after != before
        assert after[:-1] == before[:-1], f"{old}: more than the last layer has changed"
        sizes = [layer["Size"] for layer in engine.images.get(new).history() if layer["Size"]]
        assert sizes[0] < MOST_MOVED
