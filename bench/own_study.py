"""Runs a study of this project as a person would, in a place of its own, and says how it went.

The study is bench/whole_study.yaml with overrides. Knows nothing of what it is compared with.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.pictures import extract, given_or_made_up

STUDY = Path(__file__).parent / "whole_study.yaml"
LOOK_SECONDS = 0.5  # between two looks at what runs

READ = """
import json
from study.opening import open_registry
registry, server = open_registry()
trials = registry.optuna_study(registry.find("whole-study")).trials
ended = [t for t in trials if t.state.is_finished()]
print(json.dumps({
    "best": max(t.value for t in trials if t.state.name == "COMPLETE"),
    "pruned": sum(t.state.name == "PRUNED" for t in trials),
    "trials": len(ended),
    "training_seconds": (max(t.datetime_complete for t in ended)
                         - min(t.datetime_start for t in ended)).total_seconds(),
}))
registry.storage.engine.dispose()
if server is not None:
    server.stop_if_idle(registry.engine)
"""


@dataclass(frozen=True)
class Ended:
    """A study that is done."""

    seconds: float
    """From the command to its end: imports, packing, the database, promotion."""
    training_seconds: float
    """From the first trial's begin to the last one's end."""
    trials: int
    best: float
    """Validation accuracy."""
    pruned: int


def run_study(
    overrides: Sequence[str],
    *,
    workers: int,
    look: Callable[[str], None] = lambda _home: None,
) -> Ended:
    """look: called again and again while it runs, with the HPO_HOME of its processes."""
    command = [sys.executable, "-m", "coordinator", "submit", str(STUDY), "--backend", "local"]
    command += ["--workers", str(workers), *overrides]
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as home:
        environment = environment_of(home)
        began = time.monotonic()
        with subprocess.Popen(command, env=environment, stdout=sys.stderr) as submit:
            while submit.poll() is None:
                look(home)
                _wait(submit)
        seconds = time.monotonic() - began
        if submit.returncode:
            raise subprocess.CalledProcessError(submit.returncode, command)
        read = [sys.executable, "-c", READ]
        printed = subprocess.run(read, env=environment, check=True, stdout=subprocess.PIPE).stdout
    return Ended(seconds=seconds, **json.loads(printed.splitlines()[-1]))


@contextmanager
def split_files(given: argparse.Namespace, *, val_every: int = 5) -> Iterator[Path]:
    """The pictures of a part's arguments as files below train/ and val/, for a while."""
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as temporary:
        pictures = given_or_made_up(given.data)
        yield extract(pictures, Path(temporary) / "files", limit=given.limit, val_every=val_every)


def overrides_of(given: argparse.Namespace, files: Path) -> list[str]:
    """What a part's arguments say of a study over `files`."""
    return [
        *(f"data.source={files}", f"data.image_size={given.size}"),
        *(f"training.epochs={given.epochs}", f"search.budget.trials={given.trials}"),
    ]


def environment_of(home: str) -> dict[str, str]:
    """This process's, with all that a study leaves below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HPO_")}
    return kept | {
        "HPO_HOME": home,
        "HPO_DATA": f"{home}/data",
        "HPO_ARTIFACTS": f"{home}/artifacts",
    }


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return
