"""Whole stories of studies in the fake cluster, with failures on the way: all end the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import optuna
import pytest

from coordinator.cluster.records import EPOCH, TRIAL, Order
from coordinator.promoted import in_use
from study import paths
from study.embedded import EmbeddedPostgres
from study.registry import Registry
from tests.cluster.coordinating import coordinating
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.story import PATIENCE, Story
from tests.eventually import eventually
from tests.k8s.conftest import build

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def slow(cluster: FakeCluster) -> None:
    """Trials take long enough for something to happen to them."""
    cluster.node.environment["HPO_PACE"] = "0.4"


@pytest.fixture
def coordinator(cluster: FakeCluster) -> Iterator[None]:
    with coordinating(cluster):
        yield


@pytest.mark.usefixtures("coordinator", "slow")
def test_pods_say_what_they_train_and_the_status_shows_them(
    story: Story, cluster: FakeCluster
) -> None:
    story.ask()
    story.trains(2)

    def annotated() -> bool:
        pods = cluster.pods("birds")
        return len(pods) == 2 and all(
            {TRIAL, EPOCH} <= set(pod["metadata"]["annotations"]) for pod in pods
        )

    eventually("both are annotated", annotated, PATIENCE)

    def rows() -> list[str]:
        shown = story.shown()
        return [] if shown is None else [worker.state for worker in shown.workers]

    eventually("both are shown", lambda: rows() == ["training", "training"], PATIENCE)
    story.has_ended()
    assert rows() == ["left", "left"]


@pytest.mark.usefixtures("coordinator", "slow")
def test_an_evicted_pod_and_a_deleted_job_cost_no_trial(story: Story, cluster: FakeCluster) -> None:
    story.ask()
    story.trains(2)
    cluster.store.evict(cluster.namespace, cluster.running("birds")[0])
    eventually("it is replaced", lambda: len(cluster.running("birds")) == 2, PATIENCE)
    cluster.store.delete(
        "jobs", cluster.namespace, "worker-birds", {"propagationPolicy": "Background"}
    )
    story.has_ended()


@pytest.mark.usefixtures("coordinator")
def test_a_killed_workers_trial_is_adopted_long_before_its_lease_expires(
    story: Story, cluster: FakeCluster
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    story.ask(workers=1)
    story.trains()
    cluster.node.environment["HPO_LIGHT"] = "work"
    cluster.node.kill(cluster.running("birds")[0])
    story.has_ended()  # the lease lasts as long as all patience together


@pytest.mark.usefixtures("coordinator", "slow")
def test_an_api_server_that_fails_in_every_way_changes_nothing(
    story: Story, cluster: FakeCluster
) -> None:
    for how in ({"status": 500}, {"status": 429, "retry_after": 0}, {"how": "drop"}):
        cluster.api.fail("create", **how)
        cluster.api.fail("patch", **how)
    cluster.api.fail("create", "jobs", how="lose", times=3)
    cluster.api.fail("patch", "configmaps", status=409)
    cluster.api.fail("delete", "jobs", how="lose")
    story.ask()
    story.trains()
    cluster.store.compact()
    cluster.api.drop_watches()
    cluster.api.fail("list", status=503, times=3)
    cluster.api.fail("watch", status=500, times=4)
    story.has_ended()


@pytest.mark.usefixtures("coordinator", "slow")
def test_an_outage_of_the_api_server_is_waited_for(story: Story, cluster: FakeCluster) -> None:
    story.ask()
    story.trains()
    cluster.api.fail(status=503, times=10_000)
    cluster.api.drop_watches()
    eventually("workers go on", lambda: story.progress().ended >= 3, PATIENCE)
    cluster.api.recover()
    story.has_ended()


@pytest.mark.usefixtures("slow")
def test_an_outage_of_the_database_is_told_and_waited_for(
    story: Story, cluster: FakeCluster, postgres: EmbeddedPostgres
) -> None:
    with coordinating(cluster) as health:
        story.ask()
        story.trains()
        postgres.stop("immediate")
        story.says("does not answer; waiting for it")
        eventually("it is not ready", lambda: health.answer("/readyz")[0] == 503)
        assert health.answer("/healthz")[0] == 200
        postgres.ensure_running()
        story.has_ended()
        assert health.answer("/readyz")[0] == 200


@pytest.mark.usefixtures("coordinator", "slow")
def test_workers_are_scaled_stopped_and_resumed_with_a_larger_budget(
    story: Story, cluster: FakeCluster
) -> None:
    story.ask(workers=1)
    story.trains()
    story.ask(workers=3, again=False)
    eventually("three run", lambda: len(cluster.running("birds")) == 3, PATIENCE)
    story.ask(workers=2, again=False)
    eventually("two run", lambda: len(cluster.running("birds")) == 2, PATIENCE)
    story.ask(stopped=True, again=False)
    story.reaches("stopped")
    eventually("none is left", lambda: cluster.pods("birds") == [], PATIENCE)
    assert all(trial.released for trial in story.progress().running)
    story.ask(trials=8, stopped=False)
    story.has_ended(trials=8)


@pytest.mark.usefixtures("coordinator")
def test_more_budget_continues_a_study_that_was_done(story: Story) -> None:
    story.ask(trials=3)
    story.has_ended(trials=3)
    story.ask(trials=6)
    story.has_ended(trials=6, version=2)


@pytest.mark.usefixtures("coordinator")
def test_a_persons_choice_and_a_rollback_last(story: Story) -> None:
    story.ask()
    story.has_ended()
    story.ask(again=False, order=Order(verb="promote", trial=2))
    assert "promoted: trial 2 as version 2" in story.answer()[0]
    story.ask(again=False, order=Order(verb="promote", trial=77))
    assert "trial 77 of study 'birds' is not complete" in story.answer()[1]
    story.ask(again=False, order=Order(verb="rollback"))
    assert "as version 1" in story.answer()[0]
    story.ask(again=False, order=Order(verb="rollback"))
    assert "no version before 1" in story.answer()[1]
    story.ask(again=False)
    story.reaches("done")
    assert in_use(paths.artifacts("birds")) == 1


@pytest.mark.usefixtures("coordinator")
def test_one_broken_request_stops_no_other(
    story: Story, cluster: FakeCluster, registry: Registry
) -> None:
    broken = Story(cluster, registry, "cats")
    broken.ask(trials=0)
    story.ask()
    broken.reaches("refused")
    assert "search.budget.trials: must be at least 1" in broken.reason()
    story.has_ended()


@pytest.mark.usefixtures("coordinator")
def test_a_wrong_configuration_fails_until_a_person_tries_again(
    story: Story, cluster: FakeCluster
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "usage"
    story.ask()
    story.reaches("failed")
    assert story.reason() == "the pictures cannot be packed: no such pictures"
    story.ask(workers=1, again=False)
    story.reaches("failed")
    cluster.node.environment["HPO_LIGHT"] = "work"
    story.ask()
    story.has_ended()


@pytest.mark.usefixtures("coordinator")
def test_a_study_that_is_deleted_while_it_runs_has_failed(
    story: Story, cluster: FakeCluster, registry: Registry
) -> None:
    cluster.node.environment["HPO_LIGHT"] = "hang"
    story.ask()
    story.trains(2)
    eventually("it was told", lambda: story.shown() is not None, PATIENCE)
    # Optuna gives up in silence where a worker reports at the same moment
    eventually(
        "both have reported",
        lambda: [trial.epoch for trial in story.progress().running] == [0, 0],
        PATIENCE,
    )
    optuna.delete_study(study_name="birds", storage=registry.storage)
    story.reaches("failed")
    assert "deleted from the database" in story.reason()
    eventually("its workers leave", lambda: not cluster.running("birds"), PATIENCE)
    cluster.node.environment["HPO_LIGHT"] = "work"
    story.ask()
    story.has_ended()


@pytest.mark.usefixtures("coordinator")
def test_why_a_study_waits_is_its_reason(story: Story, cluster: FakeCluster) -> None:
    cluster.jobs_controller.pod_quota = 0
    story.ask()
    story.says("exceeded quota")
    cluster.node.capacity = 0
    cluster.jobs_controller.pod_quota = None
    story.says("no node has a free nvidia.com/gpu")
    cluster.node.unpullable.add("hpo-worker:0.1.0")
    cluster.node.capacity = 16
    story.says("image hpo-worker:0.1.0 cannot be pulled")
    cluster.node.unpullable.clear()
    said = 'jobs.batch is forbidden: User "c" cannot create resource "jobs"'
    cluster.api.fail("create", "jobs", status=403, message=said, times=3)
    story.has_ended()


def test_of_two_coordinators_one_acts_and_the_other_takes_over(
    story: Story, cluster: FakeCluster
) -> None:
    cluster.node.environment["HPO_PACE"] = "0.4"
    with coordinating(cluster) as second:
        story.ask()
        story.trains()
        with coordinating(cluster) as first:
            eventually(
                "one waits",
                lambda: "another coordinator leads" in first.answer("/readyz")[1],
                PATIENCE,
            )
            second.stopped = True
            eventually("it leads", lambda: first.answer("/readyz")[0] == 200, PATIENCE)
            story.has_ended()
    created = [asked.name for asked in cluster.api.asked if asked.verb == "create"]
    assert len(created) == len(set(created)) or created.count("") == len(created)


@pytest.mark.usefixtures("coordinator")
def test_it_asks_only_what_its_role_allows(story: Story, cluster: FakeCluster) -> None:
    rules = build("cpu").get("Role", "coordinator")["rules"]
    allowed = {
        (verb, resource)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }
    cluster.node.environment["HPO_PACE"] = "0.4"
    story.ask()
    story.trains()
    story.ask(stopped=True, again=False)
    story.reaches("stopped")
    story.ask(stopped=False)
    story.has_ended()
    assert {(asked.verb, asked.resource) for asked in cluster.api.asked} <= allowed


@pytest.mark.usefixtures("coordinator")
def test_what_nobody_asked_for_is_left_alone(
    story: Story, cluster: FakeCluster, registry: Registry
) -> None:
    story.ask(trials=2)
    story.has_ended(trials=2)
    alone = registry.create(
        registry.find("birds").config.model_copy(update={"name": "strays"}),
        store="f" * 64,
        workers=2,
    )
    threading.Event().wait(0.5)
    assert registry.find(alone.name) == alone
    assert cluster.jobs("strays") == {}
    assert cluster.status("strays") is None


@pytest.mark.usefixtures("coordinator")
def test_a_cluster_in_which_nothing_happens_is_only_watched(
    story: Story, cluster: FakeCluster
) -> None:
    story.ask(trials=2)
    story.has_ended(trials=2)
    before = len(cluster.api.asked)
    threading.Event().wait(1.0)
    assert len(cluster.api.asked) == before
