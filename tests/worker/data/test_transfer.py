"""Packed data sets, and the archives they come from, where nodes share an object store alone."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coordinator.receive import HAVE, TAKEN, WANT, receive
from study import paths
from study.mirror import of_data
from tests.pictures import draw_classes
from tests.s3 import FakeS3
from worker.data.store import Store
from worker.data.transfer import obtain

CONFIG = """
name: shapes
data: {{source: {source}, image_size: 16}}
search: {{budget: {{trials: 1}}}}
"""


def on_node(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process and those it starts are on another machine."""
    monkeypatch.setenv("HPO_DATA", str(tmp_path / name / "packed"))
    monkeypatch.setenv("HPO_DATA_URL", "s3://bucket/data")


def hpo_worker_prepare(config: Path) -> list[dict[str, object]]:
    ended = subprocess.run(
        [sys.executable, "-m", "worker", "prepare", str(config)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_pictures_go_from_the_coordinator_to_prepare_to_a_worker(
    s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = draw_classes(tmp_path / "pictures", classes=2, per_class=8)
    archive = Path(shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)).read_bytes()
    sha256, said = hashlib.sha256(archive).hexdigest(), []
    on_node("coordinator", tmp_path, monkeypatch)
    receive(sha256, len(archive), io.BytesIO(archive), said.append)
    on_node("next-coordinator", tmp_path, monkeypatch)
    receive(sha256, len(archive), io.BytesIO(), said.append)
    assert said == [WANT, TAKEN, HAVE]

    stores = []
    for node in ("prepare", "prepare-again"):
        on_node(node, tmp_path, monkeypatch)
        config = tmp_path / f"{node}.yaml"
        config.write_text(CONFIG.format(source=paths.source(sha256)))
        *progress, result = hpo_worker_prepare(config)
        stores.append(str(result["store"]))
        assert bool(progress) == (node == "prepare"), "pictures are decoded once"
    assert stores[0] == stores[1]
    written = [line for line in s3.log if line.startswith("PUT data/stores/")]
    assert written[-1].endswith("/manifest.json")
    assert s3.log.index(written[-1]) < next(
        place for place, line in enumerate(s3.log) if line.startswith("PUT data/recipes/")
    )

    on_node("worker", tmp_path, monkeypatch)
    store = paths.data().store(stores[0])
    obtain(of_data(), store, 0.0, lambda: None)
    assert len(Store.open(store).pixels) == 16
    asked = len(s3.log)
    obtain(of_data(), store, 0.0, lambda: None)
    assert len(s3.log) == asked, "what is here is not fetched again"
    assert sorted(file.name for file in store.iterdir()) == [
        "labels.bin",
        "manifest.json",
        "pixels.bin",
    ]


@pytest.mark.usefixtures("s3")
def test_a_data_set_that_nobody_packed_is_waited_for_and_left_to_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_node("worker", tmp_path, monkeypatch)
    turns: list[int] = []
    obtain(of_data(), paths.data().store("none"), 0.0, lambda: turns.append(1))
    assert turns
    assert not paths.data().store("none").exists()
