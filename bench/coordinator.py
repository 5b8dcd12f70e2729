"""What the coordinator in the cluster takes while it watches workers, and how much it asks.

    python bench/coordinator.py [WORKERS [SECONDS]]

A real `hpo coordinate` in the fake cluster of the tests, on a PostgreSQL of its own; light workers
report an epoch a second each. Prints resident memory, CPU, calls of the API and transactions of the
coordinator.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from coordinator.cluster.records import Request  # noqa: E402
from study.embedded import EmbeddedPostgres  # noqa: E402
from tests.cluster.fake.fake_cluster import FakeCluster  # noqa: E402

STUDY = """
name: birds
data: {source: /birds, image_size: 16, channels: 1}
training: {epochs: 2}
space:
  training.learning_rate: {type: float, low: 1e-4, high: 1e-1, log: true}
search: {sampler: {name: random}, budget: {trials: 10000}}
"""
SETTLING = 10.0  # seconds until what starting costs is over


def transactions(database: URL) -> int:
    """Of the whole database, but ours and the workers' are few beside."""
    engine = create_engine(database)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = :name"),
            {"name": database.database},
        ).scalar_one()
    engine.dispose()
    return int(found)


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
        print(f"{workers} workers, {status.snapshot.ended} trials ended, {seconds:.0f} s")  # noqa: T201
        print(f"resident: {process.memory_info().rss / 2**20:.0f} MiB")  # noqa: T201
        print(f"CPU: {100 * busy / seconds:.1f} % of a core")  # noqa: T201
        for verb in sorted({call.verb for call in calls}):
            of_it = [call for call in calls if call.verb == verb]
            print(f"API {verb}: {len(of_it) / seconds:.2f}/s")  # noqa: T201
    finally:
        coordinator.terminate()
        coordinator.wait(10)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 8, float(given[1]) if len(given) > 1 else 60.0)
