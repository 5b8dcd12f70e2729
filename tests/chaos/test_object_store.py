"""Workers that share no volume: what one has written, another finds in the object store."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from coordinator import mirrored
from coordinator.promote import promote
from coordinator.promoted import in_use
from coordinator.worker_program import LocalProgram
from study import exit_codes, paths
from study.mirror import of_data
from study.paths import DataPaths
from study.promotion import verify
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually
from tests.s3 import FakeS3
from worker.data.transfer import send

MakeFarm = Callable[..., Farm]


@pytest.fixture(autouse=True)
def places(
    s3: FakeS3, packed: tuple[DataPaths, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object store holds the packed data set."""
    data, _, content = packed
    monkeypatch.setenv("HPO_DATA", str(data.root))
    monkeypatch.setenv("HPO_DATA_URL", "s3://bucket/data")
    monkeypatch.setenv("HPO_ARTIFACTS_URL", "s3://bucket/artifacts")
    (recipe,) = (data.root / "recipes").glob("*.json")
    send(of_data(), data, content, recipe.stem)
    assert s3.keys("data/stores/")


def start_elsewhere(study: Farm, tmp_path: Path) -> subprocess.Popen[bytes]:
    """Starts a worker with empty folders of its own."""
    node = tmp_path / f"node-{len(study.workers)}"
    study.environment |= {"HPO_DATA": str(node / "data"), "HPO_ARTIFACTS": str(node / "artifacts")}
    (worker,) = study.start()
    return worker


def lose(study: Farm, worker: subprocess.Popen[bytes]) -> None:
    """The node is gone, with everything that ran there."""
    family = study.descendants(worker)
    os.killpg(worker.pid, signal.SIGKILL)
    psutil.wait_procs(family, timeout=AT_ONCE)


def checkpoints(s3: FakeS3) -> list[str]:
    return [key for key in s3.keys("artifacts/chaos/trials/00000/") if "/checkpoint-" in key]


def first_epoch_of(study: Farm, index: int) -> int:
    lines = [line for line in study.log(index).splitlines() if "trial 0: epoch " in line]
    return min(int(line.split("epoch ")[1].split(":")[0]) for line in lines)


def test_a_killed_workers_trial_goes_on_where_nothing_of_it_was_and_is_promoted(
    farm: MakeFarm, s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = farm(trials=1, epochs=30, lease_seconds=2.0)
    first = start_elsewhere(study, tmp_path)
    eventually("five epochs", lambda: study.epochs_reported() >= 5)
    s3.down = True
    eventually("the store is missed", lambda: s3.refused >= 2)
    s3.down = False
    reported = study.epochs_reported()
    eventually("training goes on", lambda: study.epochs_reported() > reported)
    before = study.observe().running[0].epoch
    lose(study, first)
    assert before is not None
    assert len(checkpoints(s3)) <= 3, "old ones are removed there too"
    start_elsewhere(study, tmp_path)
    study.await_done()
    assert study.workers[1].wait(AT_ONCE) == exit_codes.DONE
    assert first_epoch_of(study, 1) >= before, "it went on from the last checkpoint"
    (trial,) = study.registry.optuna_study(study.study).trials
    assert sorted(trial.intermediate_values) == list(range(30))
    kept = {key.rpartition("/")[2].partition("-")[0] for key in s3.keys("artifacts/chaos/trials/")}
    assert kept >= {"best", paths.RESULT}
    assert not checkpoints(s3), "an ended trial keeps what it came to and not what it went on from"

    for node in ("coordinator", "next-coordinator"):
        monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / node))
        monkeypatch.setenv("HPO_DATA", str(tmp_path / node / "data"))
        assert promote(study.registry, study.study, LocalProgram()) == 1
        place = paths.artifacts("chaos")
        assert verify(place.version(1)).trial == 0
        assert in_use(place) == 1
    assert s3.objects["artifacts/chaos/promoted/latest"] == b"0001"
    assert not [key for key in s3.keys("artifacts/chaos/promoted/") if "/.new-" in key]
    written = [line for line in s3.log if line.startswith("PUT artifacts/chaos/promoted/")]
    assert [line.rpartition("/")[2] for line in written[-2:]] == ["manifest.json", "latest"]


def test_a_damaged_copy_costs_one_epoch_and_not_the_trial(
    farm: MakeFarm, s3: FakeS3, tmp_path: Path
) -> None:
    study = farm(trials=1, epochs=20, lease_seconds=2.0)
    first = start_elsewhere(study, tmp_path)
    eventually("three epochs", lambda: study.epochs_reported() >= 3)
    lose(study, first)
    with s3.lock:
        newest = checkpoints(s3)[-1]
        s3.objects[newest] = s3.objects[newest][:-100] + bytes(100)
    start_elsewhere(study, tmp_path)
    study.await_done()
    assert "falling back to the one before" in study.log(1)
    assert first_epoch_of(study, 1) >= 2
    (trial,) = study.registry.optuna_study(study.study).trials
    assert sorted(trial.intermediate_values) == list(range(20))


def test_a_damaged_data_set_is_told_and_nothing_is_trained_on_it(
    farm: MakeFarm, s3: FakeS3, tmp_path: Path
) -> None:
    study = farm(trials=1, epochs=1)
    (pixels,) = (key for key in s3.keys("data/") if key.endswith("pixels.bin"))
    s3.objects[pixels] = bytes(len(s3.objects[pixels]))
    start_elsewhere(study, tmp_path)
    assert study.workers[0].wait(60) == exit_codes.USAGE
    last = study.log(0).splitlines()[-1]
    assert last.startswith("hpo-worker: ")
    assert "it is damaged: remove it there and prepare again" in last
    assert study.observe().budget.begun == 0


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """What this process has restored counts for one test."""
    mirrored.restore.cache_clear()
    yield
    mirrored.restore.cache_clear()
