from __future__ import annotations

import errno
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from worker.training.checkpoint import Checkpoints
from worker.training.progress import Best, EpochResult, Progress


def opened(directory: Path, fingerprint: str = "f", token: int = 1) -> Checkpoints:
    return Checkpoints(directory, fingerprint=fingerprint, token=token)


def save_epoch(checkpoints: Checkpoints, epoch: int, *, improves: bool, size: int = 10) -> Progress:
    """As the loop does after `epoch`."""
    progress = Progress(best=None if improves else checkpoints_best(checkpoints))
    progress.close_epoch(EpochResult(epoch, 0.5, {"loss": 1.0}), better=improves)
    learner = {"epoch": epoch, "model": {"weight": torch.full((size,), float(epoch))}}
    checkpoints.save(progress, learner, {"epoch": epoch} if improves else None)
    checkpoints.collect()
    return progress


def checkpoints_best(checkpoints: Checkpoints) -> Best:
    found = checkpoints.restore()
    assert found is not None
    assert found[0].best is not None
    return found[0].best


def names(directory: Path) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in directory.iterdir())


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    checkpoints = opened(tmp_path)
    progress = Progress(epoch=2, step=3, loss_sum=torch.tensor(1.25).double(), images=48)
    progress.best = Best(1, 0.75)
    progress.history = [EpochResult(1, 0.75, {"loss": 0.5})]
    name = checkpoints.save(progress, {"model": {"weight": torch.arange(4)}}, {"epoch": 1})

    again = opened(tmp_path)
    found = again.restore()
    assert name.startswith("checkpoint-0001-00002-0000003-")
    assert again.latest == name
    assert found is not None
    assert found[0] == progress
    assert found[1]["model"]["weight"].tolist() == [0, 1, 2, 3]
    assert again.weights(found[0].best)["weight"].tolist() == [0, 1, 2, 3]
    assert again.covers(progress)


def test_an_empty_directory_has_none_and_covers_an_untouched_trial(tmp_path: Path) -> None:
    checkpoints = opened(tmp_path / "never made")
    assert checkpoints.restore() is None
    assert checkpoints.latest is None
    assert checkpoints.covers(Progress())
    assert not checkpoints.covers(Progress(step=1))


def test_the_last_two_are_kept_with_the_best_weights_they_refer_to(tmp_path: Path) -> None:
    checkpoints = opened(tmp_path)
    for epoch, improves in enumerate([True, True, False, False]):
        save_epoch(checkpoints, epoch, improves=improves)
    assert names(tmp_path) == [
        "best-0001-00001",
        "checkpoint-0001-00003-0000000",
        "checkpoint-0001-00004-0000000",
    ]
    save_epoch(checkpoints, 4, improves=True)
    assert names(tmp_path) == [
        *(
            "best-0001-00001",
            "best-0001-00004",
            "checkpoint-0001-00004-0000000",
            "checkpoint-0001-00005-0000000",
        )
    ]


@pytest.mark.parametrize("damaged", ["checkpoint-0001-00002-*", "best-0001-00001-*"])
def test_a_damaged_file_costs_one_epoch_and_is_cleared_away(tmp_path: Path, damaged: str) -> None:
    checkpoints = opened(tmp_path)
    save_epoch(checkpoints, 0, improves=True)
    save_epoch(checkpoints, 1, improves=True)
    (path,) = tmp_path.glob(damaged)
    path.write_bytes(path.read_bytes()[:-7])

    again = opened(tmp_path)
    found = again.restore()
    assert found is not None
    assert found[0].position == (1, 0)
    save_epoch(again, 1, improves=True)
    assert not [
        path for path in tmp_path.iterdir() if path.name.startswith("checkpoint-0001-00000")
    ]
    assert len(names(tmp_path)) == 4


def test_checkpoints_of_another_configuration_are_not_used(tmp_path: Path) -> None:
    save_epoch(opened(tmp_path, "old"), 7, improves=True)
    assert opened(tmp_path, "new").restore() is None


def test_a_process_that_lost_the_trial_does_not_touch_the_files_of_its_adopter(
    tmp_path: Path,
) -> None:
    late = opened(tmp_path, token=1)
    save_epoch(late, 0, improves=True)
    adopter = opened(tmp_path, token=2)
    adopter.restore()
    for epoch in (1, 2):
        save_epoch(adopter, epoch, improves=True)
    theirs = {path.name for path in tmp_path.glob("*-0002-*")}
    for epoch in (1, 2, 3, 4):
        save_epoch(late, epoch, improves=True)

    assert len(theirs) == 4
    assert theirs <= {path.name for path in tmp_path.iterdir()}
    third = opened(tmp_path, token=3)
    third.restore()
    assert third.latest == adopter.latest


@pytest.fixture
def one_megabyte(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB; without root, a limit of as much on the size of a file."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        yield tmp_path
        subprocess.run(["umount", str(tmp_path)], check=True)
        return
    limit, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # Python ignores SIGXFSZ: EFBIG
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


def test_a_full_disk_leaves_the_previous_checkpoint_and_no_rest(one_megabyte: Path) -> None:
    checkpoints = opened(one_megabyte)
    save_epoch(checkpoints, 0, improves=True)
    before = names(one_megabyte)

    with pytest.raises(OSError) as error:  # noqa: PT011 - told apart by its number below
        save_epoch(checkpoints, 1, improves=False, size=2**20)
    assert error.value.errno in (errno.ENOSPC, errno.EFBIG)

    assert names(one_megabyte) == before
    found = opened(one_megabyte).restore()
    assert found is not None
    assert found[0].position == (1, 0)
