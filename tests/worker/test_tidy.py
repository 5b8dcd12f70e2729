from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from worker.tidy import tidy

KILLED_WHILE_IT_WRITES = """
import os, pathlib, signal, sys
from study import atomic

with atomic.replacing(pathlib.Path(sys.argv[1])) as file:
    file.write(bytes(1_000_000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_ended_trial_is_left_with_its_weights_alone_though_a_writer_was_killed(
    tmp_path: Path,
) -> None:
    for name in ("best-0001-00003-a.pt", "best-0001-00004-b.pt", "checkpoint-0001-00005-c.pt"):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / "result.json").write_text("{}")
    target = tmp_path / "checkpoint-0001-00006-d.pt"
    subprocess.run([sys.executable, "-c", KILLED_WHILE_IT_WRITES, str(target)], check=False)
    (begun,) = tmp_path.glob(f".{target.name}.*")

    tidy(tmp_path, "best-0001-00004-b.pt")
    assert not begun.exists()
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"best-0001-00004-b.pt", "result.json"}
