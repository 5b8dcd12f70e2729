"""What the coordinator in the cluster takes while it watches workers, and how much it asks.

    .venv/bin/python -m bench.coordinator [WORKERS [SECONDS]]

A real `hpo coordinate` in the fake cluster of the tests, on a PostgreSQL of its own; light workers
report an epoch a second each. Prints its resident memory, its CPU and its calls of the API as one
line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from coordinator.cluster.records import Request
from study.embedded import EmbeddedPostgres
from tests.cluster.fake.fake_cluster import FakeCluster

ROOT = Path(__file__).parent.parent

STUDY = """
name: birds
data: {source: /birds, image_size: 16, channels: 1}
training: {epochs: 2}
space:
  training.learning_rate: {type: float, low: 1e-4, high: 1e-1, log: true}
search: {sampler: {name: random}, budget: {trials: 10000}}
"""
SETTLING = 10.0  # seconds until what starting costs is over


def main(workers: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            with FakeCluster(Path(folder), server.url()) as cluster:
                measure(cluster, workers, seconds)
        finally:
            server.stop("immediate")


def measure(cluster: FakeCluster, workers: int, seconds: float) -> None:
    cluster.node.environment["HPO_PACE"] = "2.0"  # two epochs
    cluster.node.capacity = workers
    cluster.submit(STUDY, Request(revision=1, workers=workers, retry=1))
    environment = {**os.environ, **cluster.environment(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "coordinator", "coordinate"]
    with (cluster.folder / "log").open("wb") as log:
        coordinator = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while len(cluster.running("birds")) < workers:
            time.sleep(0.1)
        time.sleep(SETTLING)
        process = psutil.Process(coordinator.pid)
        before, asked = process.cpu_times(), len(cluster.api.asked)
        time.sleep(seconds)
        after, calls = process.cpu_times(), cluster.api.asked[asked:]
        busy = after.user + after.system - before.user - before.system
        status = cluster.status("birds")
        assert status is not None
        assert status.snapshot is not None
        calls_of = Counter(call.verb for call in calls)
        print(  # noqa: T201
            json.dumps(
                {
                    "workers": workers,
                    "seconds": seconds,
                    "trials_ended": status.snapshot.ended,
                    "resident_mib": round(process.memory_info().rss / 2**20),
                    "cpu_percent_of_a_core": round(100 * busy / seconds, 1),
                    "api_calls_a_second": {
                        verb: round(count / seconds, 2) for verb, count in calls_of.items()
                    },
                }
            )
        )
    finally:
        coordinator.terminate()
        coordinator.wait(10)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 8, float(given[1]) if len(given) > 1 else 60.0)
