"""A preparation that was done, interrupted or begun twice: the work is done once."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from study import atomic
from study.errors import DataError
from study.paths import DataPaths
from tests.worker.data.conftest import Pack, config, quiet
from tests.worker.data.pictures import flowers, write_tree, write_zip
from worker.data import chunks
from worker.data.prepare import prepare
from worker.data.store import Store

SCRIPT = """
import signal, sys
from pathlib import Path
from study.config.data import DataConfig
from study.paths import DataPaths
from worker.data import chunks
from worker.data.prepare import prepare

def progress(done, total):
    print(done, total, flush=True)
    if done and sys.argv[3] == "stuck":
        signal.pause()

if __name__ == "__main__":
    chunks.CHUNK_PICTURES = 10
    config = DataConfig(source=sys.argv[1], image_size=64)
    root = DataPaths(Path(sys.argv[2]))
    print(prepare(config, root, processes=int(sys.argv[4]), progress=progress))
"""


def test_a_second_preparation_decodes_nothing(root: DataPaths, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "flowers", flowers(4))
    calls: list[tuple[int, int]] = []
    first = prepare(config(source), root, processes=1, progress=lambda *c: calls.append(c))
    assert calls == [(0, 8), (8, 8)]
    assert prepare(config(source), root, processes=1, progress=lambda *c: calls.append(c)) == first
    assert len(calls) == 2


def test_a_damaged_store_is_packed_again(pack: Pack, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "flowers", flowers(4))
    store = pack(source)
    (store.path / "labels.bin").unlink()
    again = pack(source)
    assert again.path == store.path
    assert len(again.labels) == 8


def test_a_moved_source_keeps_its_store(pack: Pack, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", flowers(4))
    first = pack(archive)
    moved = archive.rename(tmp_path / "b.zip")
    assert pack(moved).path == first.path
    assert Store.open(first.path).manifest.source == str(moved)


def test_a_full_disk_publishes_nothing_and_the_next_run_goes_on(
    root: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_PICTURES", 5)
    source = write_tree(tmp_path / "flowers", flowers(10))
    full = iter(["", "", "", ""])  # two chunks, two files each
    real = atomic.replacing

    def replacing(target: Path) -> object:
        if next(full, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "replacing", replacing)
        with pytest.raises(DataError, match="no room left for packed pictures"):
            prepare(config(source), root, processes=1, progress=quiet)
    assert not (root.root / "stores").exists()
    calls: list[int] = []
    prepare(config(source), root, processes=1, progress=lambda *c: calls.append(c[0]))
    assert calls[0] == 10


def test_a_decoder_that_is_killed_ends_the_preparation_in_one_line(
    root: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_PICTURES", 1)
    source = write_tree(tmp_path / "flowers", flowers(150))

    def kill_decoders(done: int, _total: int) -> None:
        for child in multiprocessing.active_children() if done else ():
            child.kill()

    with pytest.raises(DataError, match="a process that decodes pictures was killed"):
        prepare(config(source), root, processes=2, progress=kill_decoders)
    assert not (root.root / "stores").exists()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "prepare_it.py"
    path.write_text(SCRIPT)
    return path


def start(
    script: Path, source: Path, root: DataPaths, *, stuck: bool = False, processes: int = 1
) -> subprocess.Popen[str]:
    options = ["stuck" if stuck else "straight", str(processes)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, str(script), str(source), str(root.root), *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_killed_preparation_goes_on_where_it_was(
    script: Path, root: DataPaths, tmp_path: Path
) -> None:
    source = write_zip(tmp_path / "flowers.zip", flowers(20))
    with start(script, source, root, stuck=True, processes=2) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "0 40\n"
        done = int(killed.stdout.readline().split()[0])
        killed.kill()
        killed.stdout.read()  # ends when its pool has left too, and not before
    assert not (root.root / "stores").exists()
    output = start(script, source, root).communicate(timeout=60)[0].splitlines()
    assert int(output[0].split()[0]) >= done > 0
    assert len(Store.open(Path(output[-1])).labels) == 40
    assert not list((root.root / "work").glob("*/"))


def test_two_processes_at_once_do_the_work_once(
    script: Path, root: DataPaths, tmp_path: Path
) -> None:
    source = write_zip(tmp_path / "flowers.zip", flowers(20))
    both = [start(script, source, root), start(script, source, root)]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1]
    assert sorted(len(output) > 1 for output in outputs) == [False, True]
    (recipe,) = (root.root / "recipes").iterdir()
    assert json.loads(recipe.read_text())["store"] == Path(outputs[0][-1]).name
