"""`hpo plan` from a laptop: what it shows, and that nothing stays of it."""

from __future__ import annotations

import pytest

from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Laptop
from tests.eventually import eventually
from tests.pictures import draw_classes


def kept(cluster: FakeCluster) -> list[str]:
    """What the study has left in the cluster."""
    store = cluster.store
    return [
        found["metadata"]["name"]
        for resource in ("configmaps", "jobs", "pods")
        for found in store.list(resource, cluster.namespace, "hpo.study=birds")
    ]


@pytest.mark.usefixtures("coordinator")
def test_a_plan_shows_space_trials_time_and_what_would_be_created(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    folder = draw_classes(laptop.folder / "pictures", classes=2, per_class=50)
    printed = laptop.hpo("plan", "birds", "-n", "3", "--data", str(folder)).stdout
    assert "training.learning_rate" in printed
    assert "trials: 6 of at most 2 epochs" in printed
    assert "pictures: 70 to train on, 15 to validate" in printed
    assert "1,000 pictures/s in training, 4,000 in validation" in printed
    assert "6 trials x 2 epochs x (70 / 1,000 + 15 / 4,000) s" in printed
    assert "with 3 at work" in printed
    assert f"submit would send {folder}" in printed
    assert "submit would create ConfigMap request-birds" in printed
    assert "Jobs prepare-birds, worker-birds (3 pods), measure-birds" in printed
    eventually("nothing stays", lambda: kept(cluster) == [])
    assert not (cluster.node.claims / "data" / "sources").exists()


@pytest.mark.usefixtures("coordinator")
def test_without_a_measured_trial_no_job_is_made(laptop: Laptop, cluster: FakeCluster) -> None:
    printed = laptop.hpo("plan", "birds", "--no-measure").stdout
    assert "pictures: counted once they are packed" in printed
    assert "time:" not in printed
    assert all(dict(each.query).get("dryRun") == "All" for each in cluster.api.writes())


@pytest.mark.usefixtures("coordinator")
def test_a_plan_of_a_study_that_is_there_says_what_would_change(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    laptop.hpo("submit", "birds")
    printed = laptop.hpo("plan", "birds", "--no-measure").stdout
    assert "submit would change ConfigMap request-birds (revision 1)" in printed
    assert kept(cluster) == ["request-birds", "status-birds"]


@pytest.mark.usefixtures("coordinator")
def test_a_trial_that_cannot_be_trained_ends_the_plan_in_its_own_words(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "usage"
    ended = laptop.hpo("plan", "birds", status=2)
    assert ended.stderr == "hpo: no such pictures\n"
    eventually("nothing stays", lambda: kept(cluster) == [])


@pytest.mark.usefixtures("coordinator")
def test_a_pod_that_can_never_start_ends_the_plan(laptop: Laptop, cluster: FakeCluster) -> None:
    cluster.node.unpullable.add("hpo-worker:0.1.0")
    ended = laptop.hpo("plan", "birds", status=2)
    assert "no trial can be measured: pod plan-birds-" in ended.stderr
    assert "cannot be pulled" in ended.stderr
    assert "--no-measure" in ended.stderr
    eventually("nothing stays", lambda: kept(cluster) == [])


@pytest.mark.usefixtures("coordinator")
def test_two_plans_of_one_study_do_not_disturb_each_other(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    first = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plan-birds"}}
    cluster.store.create("configmaps", cluster.namespace, first)
    ended = laptop.hpo("plan", "birds", status=2)
    assert "somebody plans this study" in ended.stderr
    assert cluster.store.get("configmaps", cluster.namespace, "plan-birds")
