"""`hpo submit` and `hpo resume` from a laptop: what is asked of the cluster, and when it is not."""

from __future__ import annotations

import re

import pytest

from coordinator.cluster.records import Request, read_request
from study.config.load import load_study
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Coordinator, Laptop, snapshot, status
from tests.eventually import eventually
from tests.pictures import draw_classes


def asked(cluster: FakeCluster, study: str = "birds") -> tuple[Request, str]:
    return read_request(cluster.store.get("configmaps", cluster.namespace, f"request-{study}"))


def nothing_was_written(cluster: FakeCluster) -> bool:
    return all(dict(each.query).get("dryRun") == "All" for each in cluster.api.writes())


def test_submit_writes_a_request_and_says_what_happens(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.answer = lambda request: status(request, "preparing")
    printed = laptop.hpo("submit", "birds", "-n", "3").stdout
    assert "preparing; its pictures are packed, then 3 workers begin" in printed
    assert "make status STUDY=birds" in printed
    request, configuration = asked(cluster)
    assert request == Request(revision=1, workers=3, retry=1)
    file = laptop.folder / "there.yaml"
    file.write_text(configuration)
    assert load_study(file).search.budget.trials == 6
    dry = [each.resource for each in cluster.api.writes() if dict(each.query).get("dryRun")]
    assert dry == ["jobs", "jobs"]


@pytest.mark.usefixtures("coordinator")
def test_submitting_again_asks_for_more_under_the_next_revision(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    laptop.hpo("submit", "birds")
    laptop.hpo("submit", "birds", "search.budget.trials=9", "-n", "2")
    request, configuration = asked(cluster)
    assert request == Request(revision=2, workers=2, retry=2)
    assert "trials: 9" in configuration
    laptop.hpo("resume", "birds", "search.budget.trials=12")
    request, configuration = asked(cluster)
    assert request == Request(revision=3, workers=2, retry=3)
    assert "trials: 12" in configuration


@pytest.mark.usefixtures("coordinator")
def test_another_configuration_under_the_name_is_refused(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    laptop.hpo("submit", "birds")
    for verb in ("submit", "resume"):
        said = laptop.refused(verb, "birds", "training.epochs=9")
        assert "training.epochs: 2 there, 9 here" in said
        assert "name=" in said
    assert asked(cluster)[0].revision == 1


def test_a_study_that_never_came_to_anything_may_be_corrected(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.answer = lambda request: status(request, "failed", reason="no such pictures")
    assert "failed; no such pictures" in laptop.hpo("submit", "birds").stdout
    laptop.hpo("submit", "birds", "data.image_size=32")
    assert asked(cluster)[0].revision == 2


def test_a_request_that_is_refused_ends_with_status_2(
    laptop: Laptop, coordinator: Coordinator
) -> None:
    coordinator.answer = lambda request: status(request, "refused", reason="another one is there")
    assert laptop.hpo("submit", "birds", status=2).stderr == "hpo: another one is there\n"


@pytest.mark.usefixtures("coordinator")
def test_a_change_by_somebody_else_meanwhile_is_kept(laptop: Laptop, cluster: FakeCluster) -> None:
    laptop.hpo("submit", "birds")
    cluster.api.fail("patch", "configmaps", status=409, times=2)
    laptop.hpo("resume", "birds", "-n", "4")
    assert asked(cluster)[0] == Request(revision=2, workers=4, retry=2)


@pytest.mark.usefixtures("coordinator")
def test_a_creation_whose_answer_was_lost_is_found_again(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    cluster.api.fail("create", "configmaps", how="lose")
    laptop.hpo("submit", "birds", "-n", "2")
    assert asked(cluster)[0].workers == 2


def test_mistakes_of_the_file_are_told_with_their_lines_before_a_cluster_is_asked(
    laptop: Laptop,
) -> None:
    file = laptop.folder / "configs" / "birds.yaml"
    file.write_text(file.read_text().replace("epochs", "epoch").replace("16", "0"))
    ended = laptop.hpo("submit", "birds", status=2)
    lines = ended.stderr.splitlines()
    assert [re.sub(r": .*", "", line.removeprefix("hpo: ")) for line in lines] == [
        "configs/birds.yaml:3",
        "configs/birds.yaml:4",
    ]


@pytest.mark.usefixtures("coordinator")
def test_pictures_of_the_laptop_are_sent_once(laptop: Laptop, cluster: FakeCluster) -> None:
    folder = draw_classes(laptop.folder / "pictures", per_class=2)
    printed = laptop.hpo("submit", "birds", "--data", str(folder)).stdout
    assert f"pictures: {folder} sent" in printed
    (archive,) = (cluster.node.claims / "data" / "sources").iterdir()
    assert f"source: /data/sources/{archive.name}" in asked(cluster)[1]
    printed = laptop.hpo("submit", "birds", "--data", str(folder)).stdout
    assert f"the cluster has {folder}" in printed


@pytest.mark.usefixtures("coordinator")
def test_a_path_that_is_not_here_is_one_in_the_cluster(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    printed = laptop.hpo("submit", "birds", "data.source=/data/birds").stdout
    assert "/data/birds is not on this machine, so it is taken as a path in the cluster" in printed
    printed = laptop.hpo("submit", "birds").stdout
    assert "the study keeps /data/birds in the cluster" in printed
    assert "source: /data/birds" in asked(cluster)[1]


@pytest.mark.usefixtures("coordinator")
def test_a_list_of_local_files_is_refused(laptop: Laptop, cluster: FakeCluster) -> None:
    table = laptop.folder / "birds.csv"
    table.write_text("path,label\na.png,finch\n")
    assert "which the cluster does not see" in laptop.refused(
        "submit", "birds", "--data", str(table)
    )
    assert nothing_was_written(cluster)


@pytest.mark.usefixtures("coordinator")
def test_what_the_coordinator_cannot_take_in_is_told_and_nothing_is_asked(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    folder = draw_classes(laptop.folder / "pictures", per_class=2)
    cluster.node.claims.mkdir(exist_ok=True)
    (cluster.node.claims / "data").write_text("in the way")
    ended = laptop.hpo("submit", "birds", "--data", str(folder), status=2)
    assert len(ended.stderr.splitlines()) == 1
    assert "Not a directory" in ended.stderr or "File exists" in ended.stderr
    assert nothing_was_written(cluster)


def test_following_shows_the_study_to_its_end(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    process = laptop.start("submit", "birds", "--follow")
    eventually("it was asked", lambda: cluster.status("birds") is not None)
    request = asked(cluster)[0]
    coordinator.write("birds", status(request, "running", snapshot=snapshot()))
    done = snapshot(state="done", left=0, outcomes={"complete": 6})
    said = "promoted: trial 0 as version 1"
    coordinator.write("birds", status(request, "done", snapshot=done, promoted=said))
    printed, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "6/6 trials (6 complete)" in printed
    assert printed.splitlines()[-1] == said


@pytest.mark.parametrize(
    ("phase", "reason", "code", "stream"),
    [
        ("failed", "no worker is left", 1, "stderr"),
        ("refused", "another study", 2, "stderr"),
        ("stopped", "", 143, "stdout"),
    ],
)
def test_the_exit_status_of_following_is_the_studys(
    laptop: Laptop, coordinator: Coordinator, phase: str, reason: str, code: int, stream: str
) -> None:
    coordinator.answer = lambda request: status(request, phase, reason=reason)
    ended = laptop.hpo("submit", "birds", "--follow", status=code)
    assert (reason or "make resume STUDY=birds") in getattr(ended, stream)


def test_a_coordinator_that_is_not_ready_is_told_and_nothing_is_written(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.deploy(ready=0)
    store = cluster.store
    container = {
        "name": "postgres",
        "image": "hpo-coordinator:0.1.0",
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "postgres-0", "labels": {"app.kubernetes.io/component": "postgres"}},
        "spec": {"containers": [{"name": "postgres", "image": "hpo-coordinator:0.1.0"}]},
        "status": {"phase": "Pending", "containerStatuses": [container]},
    }
    cluster.node.unpullable.add("hpo-coordinator:0.1.0")
    store.create("pods", cluster.namespace, pod)
    said = laptop.refused("submit", "birds")
    assert "the coordinator in namespace hpo is not ready: pod postgres-0: image" in said
    assert "cannot be pulled" in said
    assert nothing_was_written(cluster)


def test_a_request_after_a_deleted_one_has_a_revision_of_its_own(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    left = status(Request(revision=7, workers=1), "failed", reason="long ago")
    coordinator.write("birds", left)
    laptop.hpo("submit", "birds", "-n", "2")
    found = cluster.store.get("configmaps", cluster.namespace, "request-birds")
    request, _ = read_request(found)
    assert (request.revision, request.retry) == (8, 8)


def test_train_asks_for_a_study_of_one_trial_and_stays(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    promoted = "promoted: trial 0 as version 1: validation accuracy 0.5000"
    coordinator.answer = lambda request: status(request, "done", promoted=promoted)
    printed = laptop.hpo("train", "birds", "training.epochs=9").stdout
    assert "study birds-train-1: one training run" in printed
    assert promoted in printed
    request, configuration = asked(cluster, "birds-train-1")
    assert (request.workers, "epochs: 9" in configuration) == (1, True)
    assert "space: {}" in configuration
    assert "study birds-train-2" in laptop.hpo("train", "birds").stdout


def test_train_takes_the_best_trials_parameters_and_refuses_those_it_cannot_know(
    laptop: Laptop, cluster: FakeCluster, coordinator: Coordinator
) -> None:
    coordinator.answer = lambda request: status(request, "done", snapshot=snapshot())
    laptop.hpo("submit", "birds")
    assert "those of trial 0" in laptop.refused("train", "birds", "--trial", "3")
    laptop.hpo("train", "birds", "--trial", "0")
    _, configuration = asked(cluster, "birds-train-1")
    assert "learning_rate: 0.01" in configuration
