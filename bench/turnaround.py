"""From the last step of one trial to the first step of the next in the same worker, in seconds.

Runs a real study of short trials (the demo's pictures, one worker, an embedded database in a
temporary folder) and reads what the worker measured itself. In between lie: validation, the best
weights and the checkpoint made durable, the report, the verdict, the end in the ledger, the next
claim, sampling, and the next trial's model and first batch.

    .venv/bin/python bench/turnaround.py --trials 20 --workers 1
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

READ = """
import json
from study.registry import open_registry
registry, server = open_registry()
trials = registry.optuna_study(registry.find("turnaround")).trials
print(json.dumps([t.user_attrs["turnaround_seconds"] for t in trials
                  if "turnaround_seconds" in t.user_attrs]))
registry.storage.engine.dispose()
if server is not None:
    server.stop_if_idle(registry.engine)
"""


def main() -> None:
    """Runs the study and prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="of each trial")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        environment = os.environ | {
            "HPO_HOME": folder,
            "HPO_DATA": f"{folder}/data",
            "HPO_ARTIFACTS": f"{folder}/artifacts",
        }
        environment.pop("HPO_STORAGE", None)
        environment.pop("HPO_STORAGE_FILE", None)
        hpo = Path(sys.executable).with_name("hpo")
        submit = [hpo, "submit", "fashion", "--workers", str(arguments.workers)]
        submit += ["--backend", "local"]
        submit += ["name=turnaround", f"training.epochs={arguments.epochs}"]
        submit += ["search.pruner.name=none"]
        submit += [f"search.budget.trials={arguments.trials}"]
        subprocess.run(submit, env=environment, check=True, stdout=sys.stderr)
        read = [sys.executable, "-c", READ]
        printed = subprocess.run(read, env=environment, check=True, capture_output=True).stdout
    seconds = sorted(json.loads(printed))
    print(  # noqa: T201
        json.dumps(
            {
                "workers": arguments.workers,
                "epochs": arguments.epochs,
                "turnarounds": len(seconds),
                "median_seconds": statistics.median(seconds),
                "p95_seconds": seconds[round(0.95 * (len(seconds) - 1))],
                "worst_seconds": seconds[-1],
            }
        )
    )


if __name__ == "__main__":
    main()
