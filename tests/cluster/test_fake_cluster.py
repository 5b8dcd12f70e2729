"""The fake cluster does what a cluster does: its facts are those of Kubernetes' documentation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coordinator.cluster import jobs
from coordinator.cluster.api import Api
from coordinator.cluster.records import Request
from coordinator.cluster.refusals import Invalid
from study.config.data import DataConfig
from study.config.load import load_study
from study.config.records import ResourcesConfig
from study.progress import observe
from study.registry import Registry
from tests.cluster.fake.fake_cluster import FakeCluster, result_of
from tests.cluster.fake.job_controller import condition
from tests.cluster.fake.light_worker import STORE
from tests.cluster.story import BIRDS
from tests.eventually import eventually
from tests.k8s.conftest import build


def worker_job(workers: int) -> dict[str, Any]:
    template = build("cpu").get("PodTemplate", "worker")
    return jobs.worker_job(template, "birds", ResourcesConfig(), workers=workers, revision=1)


@pytest.fixture
def study(cluster: FakeCluster, registry: Registry) -> str:
    file = cluster.folder / "birds.yaml"
    file.write_text(BIRDS)
    return registry.create(load_study(file), store=STORE, workers=2).name


def job_is(cluster: FakeCluster, kind: str) -> bool:
    job = cluster.jobs("birds").get("worker")
    return job is not None and condition(job, kind) is not None


def test_workers_of_a_job_end_a_study_and_the_job_is_complete(
    cluster: FakeCluster, api: Api, registry: Registry, study: str
) -> None:
    api.create("jobs", worker_job(2))
    eventually("the Job is complete", lambda: job_is(cluster, "Complete"))
    assert observe(registry, registry.find(study)).outcomes == {"complete": 6}
    assert cluster.jobs("birds")["worker"]["status"]["completedIndexes"] == "0-1"
    name = cluster.pods("birds")[0]["metadata"]["name"]
    assert name.startswith("worker-birds-0-")
    assert set(api.log(name, 1).split()[:1]) <= {"trial"}


def test_a_deleted_pod_is_told_to_leave_and_replaced(
    cluster: FakeCluster, api: Api, registry: Registry, study: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    api.create("jobs", worker_job(1))
    eventually("a trial runs", lambda: bool(observe(registry, registry.find(study)).running))
    first = cluster.running("birds")
    api.delete("pods", first[0])
    eventually("another runs", lambda: cluster.running("birds") not in ([], first))
    assert not job_is(cluster, "Failed")


def test_a_job_deleted_in_the_background_takes_its_pods_with_it(
    cluster: FakeCluster, api: Api, registry: Registry, study: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    api.create("jobs", worker_job(2))
    eventually("trials run", lambda: len(observe(registry, registry.find(study)).running) == 2)
    api.delete("jobs", "worker-birds")
    eventually("no pod is left", lambda: cluster.pods("birds") == [])
    assert all(trial.released for trial in observe(registry, registry.find(study)).running)


def test_scaling_needs_completions_and_parallelism_in_one_patch(
    cluster: FakeCluster, api: Api, study: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    api.create("jobs", worker_job(1))
    with pytest.raises(Invalid, match="immutable"):
        api.patch("jobs", "worker-birds", {"spec": {"completions": 3}})
    api.patch("jobs", "worker-birds", {"spec": {"completions": 3, "parallelism": 3}})
    eventually("three run", lambda: len(cluster.running(study)) == 3)
    api.patch("jobs", "worker-birds", {"spec": {"completions": 1, "parallelism": 1}})
    eventually("one is left", lambda: len(cluster.pods(study)) == 1)
    assert "-0-" in cluster.running(study)[0]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("usage", "PodFailurePolicy"), ("broken", "FailedIndexes"), ("crash", "FailedIndexes")],
)
def test_exit_statuses_fail_the_job_or_the_index(
    cluster: FakeCluster, api: Api, study: str, behaviour: str, reason: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = behaviour
    api.create("jobs", worker_job(1))
    eventually("the Job has failed", lambda: job_is(cluster, "Failed"))
    job = cluster.jobs(study)["worker"]
    failed = condition(job, "Failed")
    assert failed is not None
    assert failed["reason"] == reason
    assert job["status"]["failed"] == (7 if behaviour == "crash" else 1)


def test_a_result_and_a_last_word_are_termination_messages(cluster: FakeCluster, api: Api) -> None:
    cluster.submit(BIRDS, Request(revision=1, workers=1))
    template = build("cpu").get("PodTemplate", "prepare")
    job = jobs.prepare_job(
        template, "birds", DataConfig(source="/birds", image_size=16), revision=1
    )

    def pod_is(phase: str) -> bool:
        pods = cluster.pods("birds", "prepare")
        return bool(pods) and pods[0]["status"]["phase"] == phase

    api.create("jobs", job)
    eventually("it has succeeded", lambda: pod_is("Succeeded"))
    assert result_of(cluster.pods("birds", "prepare")[0]) == {"store": STORE}
    api.delete("jobs", "prepare-birds")
    eventually("it is gone", lambda: cluster.pods("birds", "prepare") == [])
    cluster.node.environment["HPO_LIGHT"] = "usage"
    api.create("jobs", job)
    eventually("it has failed", lambda: pod_is("Failed"))
    ended = cluster.pods("birds", "prepare")[0]["status"]["containerStatuses"][0]["state"]
    assert ended["terminated"]["message"] == "hpo-worker: no such pictures\n"
    assert ended["terminated"]["exitCode"] == 2


def test_pods_wait_for_room_for_images_and_for_quota(
    cluster: FakeCluster, api: Api, study: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    cluster.node.capacity = 1
    cluster.jobs_controller.pod_quota = 2
    api.create("jobs", worker_job(3))

    def told() -> str:
        return json.dumps([cluster.pods(study), api.list("events").items])

    eventually("one is unschedulable", lambda: "Insufficient nvidia.com/gpu" in told())
    eventually("one was not made", lambda: "exceeded quota: compute" in told())
    cluster.node.unpullable.add("hpo-worker:0.1.0")
    cluster.node.capacity = 3
    eventually("one has no image", lambda: "ImagePullBackOff" in told())
    assert len(cluster.running(study)) == 1


def test_an_evicted_pod_does_not_count_as_failed(
    cluster: FakeCluster, api: Api, study: str
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    api.create("jobs", worker_job(1))
    eventually("it runs", lambda: len(cluster.running(study)) == 1)
    first = cluster.running(study)
    cluster.store.evict(cluster.namespace, first[0])
    eventually("another runs", lambda: cluster.running(study) not in ([], first))
    assert cluster.jobs(study)["worker"]["status"]["failed"] == 0
