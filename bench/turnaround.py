"""From the last step of one trial to the first step of the next in the same worker, in seconds.

Runs a real study of short trials (the demo's pictures, one worker, an embedded database in a
temporary folder) and reads what the worker measured itself. In between lie: validation, the best
weights and the checkpoint made durable, the report, the verdict, the end in the ledger, the next
claim, sampling, and the next trial's model and first step.

    .venv/bin/python -m bench.turnaround --trials 20 --workers 1 [--cluster]

With --cluster the workers are pods of the fake cluster of the tests (real workers, a real `hpo
coordinate`): what the cluster's way costs beside the local back end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coordinator.cluster.records import Request
from study.config.dump import dump
from study.config.load import load_study
from study.embedded import EmbeddedPostgres
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.pod_process import RealWorker

ROOT = Path(__file__).parent.parent

READ = """
import json
from study.opening import open_registry
registry, server = open_registry()
trials = registry.optuna_study(registry.find("turnaround")).trials
print(json.dumps([t.user_attrs["turnaround_seconds"] for t in trials
                  if "turnaround_seconds" in t.user_attrs]))
registry.storage.engine.dispose()
if server is not None:
    server.stop_if_idle(registry.engine)
"""


def on_this_machine(
    folder: Path,  # noqa: ARG001
    environment: dict[str, str],
    workers: int,
    overrides: list[str],
) -> bytes:
    """Runs the study with the local back end; gives what READ prints."""
    submit = [sys.executable, "-m", "coordinator", "submit", "fashion", "--backend", "local"]
    submit += ["--workers", str(workers), *overrides]
    subprocess.run(submit, env=environment, check=True, stdout=sys.stderr)
    return read(environment)


def in_cluster(
    folder: Path, environment: dict[str, str], workers: int, overrides: list[str]
) -> bytes:
    """The same as pods."""
    server = EmbeddedPostgres(folder / "postgres")
    with FakeCluster(folder, server.url(), RealWorker) as cluster:
        source = cluster.node.claims / "data" / "sources" / "fashion.zip"
        source.parent.mkdir(parents=True)
        config = load_study(ROOT / "configs" / "fashion.yaml", overrides)
        shutil.copy(config.data.source, source)
        data = config.data.model_copy(update={"source": "/data/sources/fashion.zip"})
        study = dump(config.model_copy(update={"data": data}))
        environment = {**environment, **cluster.environment()}
        cluster.node.environment |= {"HPO_HEALTH_PORT": "0"}
        cluster.submit(study, Request(revision=1, workers=workers, retry=1))
        coordinate = [sys.executable, "-m", "coordinator", "coordinate"]
        with subprocess.Popen(coordinate, env=environment, stderr=sys.stderr) as coordinator:
            while (status := cluster.status("turnaround")) is None or status.phase != "done":
                time.sleep(0.5)
            coordinator.terminate()
        printed = read(environment)
    server.stop("immediate")
    return printed


def read(environment: dict[str, str]) -> bytes:
    """What the workers measured."""
    command = [sys.executable, "-c", READ]
    return subprocess.run(command, env=environment, check=True, capture_output=True).stdout


def measured(*, trials: int, workers: int, epochs: int, cluster: bool = False) -> list[float]:
    """Runs the study; seconds between two trials of a worker, ascending."""
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        environment = os.environ | {
            "HPO_HOME": folder,
            "HPO_DATA": f"{folder}/data",
            "HPO_ARTIFACTS": f"{folder}/artifacts",
        }
        environment.pop("HPO_STORAGE", None)
        environment.pop("HPO_STORAGE_FILE", None)
        environment["PYTHONPATH"] = str(ROOT)
        overrides = [
            "name=turnaround",
            f"training.epochs={epochs}",
            "search.pruner.name=none",
            f"search.budget.trials={trials}",
        ]
        run = in_cluster if cluster else on_this_machine
        return sorted(json.loads(run(Path(folder), environment, workers, overrides)))


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="of each trial")
    parser.add_argument("--cluster", action="store_true", help="as pods of the fake cluster")
    arguments = parser.parse_args()
    seconds = measured(
        trials=arguments.trials,
        workers=arguments.workers,
        epochs=arguments.epochs,
        cluster=arguments.cluster,
    )
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
