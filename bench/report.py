"""How long `hpo report` takes over many trials, and how large its page is.

    .venv/bin/python -m bench.report [TRIALS [FOLDER]]

A PostgreSQL of its own with a study of made-up trials (made_up_trials.py) in configs/pokemon.yaml's
space. Prints times and sizes as one line of JSON; the page stays in FOLDER.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import optuna

from bench.made_up_trials import fill_in, leave_a_result
from coordinator.report.page import write_report
from study.config.load import load_study
from study.embedded import EmbeddedPostgres
from study.registry import RegisteredStudy, Registry

STUDY = Path(__file__).parent.parent / "configs" / "pokemon.yaml"


def main(trials: int, folder: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ["HPO_ARTIFACTS"] = str(folder)
    overrides = [f"search.budget.trials={trials}"]
    config = load_study(STUDY, overrides)
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        registry = Registry(server.url())
        try:
            study = registry.create(config, store="f" * 64, workers=2)
            with registry.engine.begin() as tx:
                points = sum(fill_in(tx, study, number) for number in range(trials))
            leave_a_result(registry, study)
            measure(registry, study, trials=trials, points=points)
        finally:
            registry.close()
            server.stop("immediate")


def measure(registry: Registry, study: RegisteredStudy, *, trials: int, points: int) -> None:
    fresh = Registry(registry.url)  # nothing is known of the trials yet, as in a process of its own
    began, used = time.monotonic(), time.process_time()
    page = write_report(fresh, study)
    took, busy = time.monotonic() - began, time.process_time() - used
    fresh.close()
    print(  # noqa: T201
        json.dumps(
            {
                "trials": trials,
                "epochs": points,
                "seconds": round(took, 2),
                "cpu_seconds_here": round(busy, 2),  # without the database's
                "page_mib": round(page.stat().st_size / 2**20, 2),
                "page": str(page),
            }
        )
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hpo-report-") as place:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 1000,
            Path(sys.argv[2]) if len(sys.argv) > 2 else Path(place),
        )
