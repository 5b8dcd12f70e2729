"""A study's whole life in a real cluster: workers deleted and evicted, scaled up and down, the
coordinator killed, PostgreSQL restarted, and at the end exactly its budget and a promoted model."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime

import pytest

from coordinator.cluster.records import TRIAL, Status
from tests.eventually import eventually

from .conftest import PATIENCE, Deployment

pytestmark = pytest.mark.timeout(3600)

TRIALS = 48
EPOCHS = 24  # so that the story is not over before all of it has happened, on many cores
WHOLE = 2400.0  # seconds for all trials, on few cores
FIRST_STEP = re.compile(r"^(\S+) .*trial (\d+): first step", re.MULTILINE)


def ended(status: Status) -> int:
    """Trials that have come to an end."""
    return 0 if status.snapshot is None else status.snapshot.ended


def first_step(deployment: Deployment, study: str, pod: str = "") -> float | None:
    """When the first step of the study, or of one pod, was trained: seconds since 1970."""
    pods = [pod] if pod else deployment.running(study)  # before that a pod has no log
    logs = [deployment.kubectl("logs", each, "--timestamps") for each in pods]
    found = [stamp for log in logs for stamp, _ in FIRST_STEP.findall(log)]
    times = [datetime.fromisoformat(stamp) for stamp in found]
    return min(times).timestamp() if times else None


def pods_are(deployment: Deployment, study: str, count: int) -> None:
    """Waits until so many workers run."""
    eventually(f"{count} workers run", lambda: len(deployment.running(study)) == count, PATIENCE)


def evict(deployment: Deployment, pod: str) -> None:
    """As a drain does it: by the Eviction API."""
    path = f"/api/v1/namespaces/{deployment.namespace}/pods/{pod}/eviction"
    wanted = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": deployment.namespace},
    }
    deployment.kubectl("create", "--raw", path, "--filename", "-", stdin=json.dumps(wanted))


def test_a_study_survives_all_that_happens_to_it(deployment: Deployment) -> None:
    # a short study first: it packs the pictures, and its images are pulled when it is done
    deployment.hpo("submit", "fashion", "name=warm", "search.budget.trials=1", "training.epochs=1")
    deployment.until("warm", "the short study is done", lambda status: status.phase == "done")

    study = "story"
    submitted = time.time()
    changes = (f"name={study}", f"search.budget.trials={TRIALS}", "search.pruner.name=none")
    longer = f"training.epochs={EPOCHS}"
    deployment.hpo("submit", "fashion", *changes, longer, "--workers", "3")
    eventually("the first step", lambda: first_step(deployment, study) is not None, PATIENCE)
    started = first_step(deployment, study)
    assert started is not None
    print(f"\nfrom submit to the first step: {started - submitted:.1f} s")  # noqa: T201
    pods_are(deployment, study, 3)
    deployment.until(study, "a trial has ended", lambda status: ended(status) >= 1)

    eventually(
        "kubectl describe tells what a pod trains",
        lambda: any(
            TRIAL in (pod["metadata"].get("annotations") or {})
            for pod in deployment.items("pods", f"hpo.study={study}")
        ),
        PATIENCE,
    )
    deleted, evicted, *_ = deployment.running(study)
    known = set(deployment.running(study))
    gone = time.time()
    deployment.kubectl("delete", "pod", deleted, "--wait=false")
    eventually(
        "another pod takes its place",
        lambda: bool(set(deployment.running(study)) - known),
        PATIENCE,
    )
    (successor,) = set(deployment.running(study)) - known
    eventually(
        "the successor trains",
        lambda: first_step(deployment, study, successor) is not None,
        PATIENCE,
    )
    back = first_step(deployment, study, successor)
    assert back is not None
    print(f"\nfrom the deletion of a pod to its successor's first step: {back - gone:.1f} s")  # noqa: T201
    evict(deployment, evicted)
    pods_are(deployment, study, 3)

    deployment.hpo("scale", study, "5")
    pods_are(deployment, study, 5)
    deployment.hpo("scale", study, "2")
    pods_are(deployment, study, 2)
    coordinator = "app.kubernetes.io/component=coordinator"
    deployment.kubectl(
        "delete", "pod", "--selector", coordinator, "--grace-period=0", "--force", "--wait=false"
    )
    database = "app.kubernetes.io/component=postgres"
    deployment.kubectl("delete", "pod", "--selector", database, "--wait=false")

    done = deployment.until(study, "it is done", lambda status: status.phase == "done", WHOLE)
    assert done.snapshot is not None
    assert done.snapshot.outcomes == {"complete": TRIALS}, "exactly the budget, each trial once"
    assert done.snapshot.running == ()
    assert "version 1" in done.promoted
    assert "training.learning_rate" in deployment.hpo("best", study)
    assert "version 1" in deployment.hpo("status", study)
    deployment.hpo("promote", study)

    deployment.hpo("resume", study, f"search.budget.trials={TRIALS + 2}")
    again = deployment.until(
        study, "two trials more", lambda now: now.phase == "done" and ended(now) == TRIALS + 2
    )
    assert again.snapshot is not None
    assert again.snapshot.running == ()


def test_a_stopped_study_has_no_pods_and_goes_on(deployment: Deployment) -> None:
    study = "stopped"
    changes = (f"name={study}", "search.budget.trials=4", "search.pruner.name=none")
    deployment.hpo("submit", "fashion", *changes, "--workers", "2")
    deployment.until(study, "an epoch is reported", lambda now: trains(now))
    deployment.hpo("stop", study)
    eventually(
        "no pod is left",
        lambda: deployment.items("pods", f"hpo.study={study},hpo.role=worker") == [],
        PATIENCE,
    )
    deployment.until(study, "it says so", lambda status: status.phase == "stopped")
    deployment.hpo("resume", study)
    done = deployment.until(study, "it is done", lambda status: status.phase == "done")
    assert done.snapshot is not None
    assert done.snapshot.outcomes == {"complete": 4}


def test_what_cannot_be_is_said_in_one_line(deployment: Deployment) -> None:
    assert "no study" in deployment.hpo("scale", "nosuch", "3", status=2)
    assert "at least 1" in deployment.hpo("submit", "fashion", "--workers", "0", status=2)
    other = ("name=warm", "training.epochs=2")
    assert "another configuration" in deployment.hpo("submit", "fashion", *other, status=2)


def trains(status: Status) -> bool:
    """Whether a trial has an epoch behind it."""
    return status.snapshot is not None and any(
        trial.epoch is not None for trial in status.snapshot.running
    )
