"""PostgreSQL goes away and comes back; no trial is lost and no worker is taken for dead."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from optuna.trial import TrialState
from sqlalchemy.engine import URL

from study import exit_codes
from study.embedded import EmbeddedPostgres
from tests.chaos.conftest import Farm
from tests.eventually import AT_ONCE, eventually


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server that no other test uses."""
    with tempfile.TemporaryDirectory(prefix="hpo-outage-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        yield server
        server.ensure_running()
        server.stop("immediate")


@pytest.fixture
def postgres_url(own_postgres: EmbeddedPostgres) -> URL:
    """The farm's database is this module's own server."""
    return own_postgres.url()


def test_a_restarted_database_costs_no_trial_and_no_lease(
    farm: Callable[..., Farm], own_postgres: EmbeddedPostgres
) -> None:
    study = farm(trials=4, epochs=25, lease_seconds=3.0)
    workers = study.start(2)
    eventually("both train", lambda: len(study.observe().running) == 2)
    eventually("a few epochs", lambda: study.epochs_reported() >= 4)
    for mode in ("immediate", "fast"):
        own_postgres.stop(mode)
        eventually("a worker noticed", lambda: "does not answer" in study.log(0) + study.log(1))
        own_postgres.ensure_running()
        eventually("training goes on", lambda: study.observe().budget.begun >= 2)
    study.await_done()
    for worker in workers:
        assert worker.wait(AT_ONCE) == exit_codes.DONE
    trials = study.registry.optuna_study(study.study).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert "adopted" not in study.log(0) + study.log(1)


def test_a_worker_told_to_leave_during_an_outage_leaves(
    farm: Callable[..., Farm], own_postgres: EmbeddedPostgres
) -> None:
    study = farm(trials=1, epochs=200, lease_seconds=2.0)
    (worker,) = study.start()
    eventually("an epoch", lambda: study.epochs_reported() >= 1)
    own_postgres.stop("immediate")
    eventually("it noticed", lambda: "does not answer" in study.log(0))
    worker.terminate()
    assert worker.wait(AT_ONCE) == exit_codes.PREEMPTED
    own_postgres.ensure_running()
    study.start()
    eventually("the trial goes on elsewhere", lambda: "trial 0: epoch" in study.log(1))
    (trial,) = study.observe().running
    assert (trial.number, trial.worker) == (0, "worker-1")


def test_a_worker_that_starts_during_an_outage_waits_for_the_database(
    farm: Callable[..., Farm], own_postgres: EmbeddedPostgres
) -> None:
    study = farm(trials=1, epochs=2)
    study.environment["HPO_HEALTH_PORT"] = "0"
    own_postgres.stop("fast")
    (worker,) = study.start()
    eventually("it noticed", lambda: "waiting up to" in study.log(0))
    assert study.health(0, "/readyz")[0] == 503
    status, said = study.health(0, "/healthz")
    assert (status, said["state"]) == (200, "waits for the database")
    own_postgres.ensure_running()
    assert worker.wait(60) == exit_codes.DONE
    assert study.log(0).count("waiting up to") == 1
    assert study.observe().outcomes == {"complete": 1}
