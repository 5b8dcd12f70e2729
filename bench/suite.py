"""Measures everything, or parts of it, and writes bench/results.md and bench/results.json.

    make bench [DATA=pictures.zip] [ARGS="--only step --full"]
    make bench-gpu [DATA=pictures.zip]

Each part runs in a process of its own, so that threads, memory and a crash of one do not meet the
next. What a part gave replaces what it gave before; a part that fails leaves that as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from bench.machine import commit, describe
from bench.page import render
from study import atomic, exit_codes

HERE = Path(__file__).parent

Parts = dict[str, list[str]]
"""By name: a module of bench/ and its options."""

PARTS: Parts = {
    "input-128": ["input_pipeline", "--size=128", "--limit=600"],
    "input-64": ["input_pipeline", "--size=64", "--limit=600"],
    "input-photographs": ["input_pipeline", "--size=128", "--photographs", "--limit=150"],
    "step": ["step"],
    "between-epochs": ["between_epochs"],
    "between-trials": ["between_trials"],
    "worker-memory": ["worker_memory", "--limit=300", "--trials=4"],
    "whole-study": ["whole_study", "--seeds=2", "--limit=540", "--trials=6", "--epochs=5"],
}
FULL: Parts = PARTS | {
    "whole-study": ["whole_study", "--seeds=5", "--limit=540", "--trials=8", "--epochs=5"]
}
"""With five seeds; takes 15 minutes more on two cores."""

GPU: Parts = {
    "feeding": ["feeding"],
    "step": ["step", "--size=224"],
    "between-epochs": ["between_epochs", "--size=224"],
    "packing": ["packing", "--slots", "1", "2", "auto"],
    "memory": ["memory_over_trials"],
    "whole-study": ["whole_study", "--size=128", "--trials=50", "--seeds=1"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where all parts gave figures, 1 where one did not, 2 for wrong input."""
    given = parse(arguments)
    if given.gpu and not torch.cuda.is_available():
        print("bench: --gpu needs a GPU that torch can use: none was found", file=sys.stderr)  # noqa: T201
        return exit_codes.USAGE
    parts = GPU if given.gpu else FULL if given.full else PARTS
    name = "results-gpu" if given.gpu else "results"
    version = {"commit": commit()}  # before results are written, which would make it dirty
    failed = []
    for part in given.only or parts:
        result = run(parts[part], given)
        if result is None:
            failed.append(part)
            continue
        keep(given.folder, name, part, version | result, order=list(parts))
    for part in failed:
        print(f"bench: {part} failed; what it gave before stays", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; this process's where none is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--data", type=Path, help="archive or folder of pictures; else made-up ones"
    )
    parser.add_argument("--only", nargs="+", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--full", action="store_true", help="five seeds: 15 minutes more")
    parser.add_argument("--gpu", action="store_true", help=f"what needs a GPU: {', '.join(GPU)}")
    parser.add_argument("--folder", type=Path, default=HERE, help="where results are written")
    given = parser.parse_args(arguments)
    valid = GPU if given.gpu else PARTS
    for part in given.only or ():
        if part not in valid:
            parser.error(f"--only: no part {part!r}; valid are {', '.join(valid)}")
    if given.data is not None and not given.data.exists():
        parser.error(f"--data: no such archive or folder: {given.data}")
    return given


def run(part: list[str], given: argparse.Namespace) -> dict[str, Any] | None:
    """What a part gave, and when and where; None where it failed."""
    others, began = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        output = Path(folder) / "section.json"
        command = [sys.executable, "-m", f"bench.{part[0]}", *part[1:], f"--output={output}"]
        command += [f"--data={given.data.absolute()}"] if given.data else []
        print(f"bench: {' '.join(part)}", file=sys.stderr)  # noqa: T201
        if subprocess.run(command, cwd=HERE.parent).returncode:
            return None
        section = json.loads(output.read_text())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.monotonic() - began, 1),
        "others": round(others, 1),
        "machine": describe(),
        "section": section,
    }


def keep(folder: Path, name: str, part: str, result: dict[str, Any], *, order: list[str]) -> None:
    """Puts a part's result among the others and writes the page anew."""
    file = folder / f"{name}.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    results[part] = result
    results = {each: results[each] for each in order if each in results}
    atomic.write_json(file, results)
    command = "make bench-gpu" if name == "results-gpu" else "make bench"
    page = render(results, command=command, data=file.name)
    atomic.write_text(folder / f"{name}.md", page)


if __name__ == "__main__":
    sys.exit(main())
