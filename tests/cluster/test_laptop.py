"""The other verbs from a laptop: what they show, change and wait for."""

from __future__ import annotations

import http.client
import signal
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from coordinator.cluster.records import Answer, Order, Request, labels_of, read_request
from study.config.load import load_study
from tests.cluster.fake.dashboard import dashboard_of, make_secret
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.laptop import Coordinator, Laptop, snapshot, status
from tests.eventually import eventually


def asked(cluster: FakeCluster) -> Request:
    return read_request(cluster.store.get("configmaps", cluster.namespace, "request-birds"))[0]


@pytest.fixture
def running(laptop: Laptop, coordinator: Coordinator) -> Coordinator:
    """The study birds, submitted."""
    coordinator.answer = lambda request: status(request, "running", snapshot=snapshot())
    laptop.hpo("submit", "birds", "-n", "2")
    return coordinator


def test_status_shows_all_studies_and_why_they_wait(laptop: Laptop, running: Coordinator) -> None:
    why = "no node has a free nvidia.com/gpu"
    running.answer = lambda request: status(request, "running", reason=why, snapshot=snapshot())
    laptop.hpo("scale", "birds", "3")
    printed = laptop.hpo("status").stdout
    assert "birds" in printed
    assert "1/6" in printed
    assert f"birds: running: {why}" in printed


def test_status_of_one_shows_workers_trials_and_the_promoted_model(
    laptop: Laptop, cluster: FakeCluster, running: Coordinator
) -> None:
    workers = ({"index": 0, "name": "worker-birds-0-abcde", "state": "training"},)
    trial = {"number": 3, "worker": "worker-birds-0-abcde", "epoch": 0, "value": 0.25}
    shown = snapshot(workers=workers, running=({**trial, "released": False},))
    said = "promoted: trial 0 as version 1"
    running.write("birds", status(asked(cluster), "running", snapshot=shown, promoted=said))
    printed = laptop.hpo("status", "birds").stdout
    assert "1/6 trials (1 complete) | 1 running (epoch 1 of 2) | 5 to begin" in printed
    assert "training" in printed
    assert "0.2500" in printed
    assert said in printed


def test_status_says_that_the_coordinator_is_away_and_since_when(
    laptop: Laptop, running: Coordinator
) -> None:
    running.deploy(ready=0)
    printed = laptop.hpo("status", "birds").stdout
    assert "the coordinator is not ready (it last wrote" in printed
    assert "s ago)" in printed


def test_scale_stop_and_best(laptop: Laptop, cluster: FakeCluster, running: Coordinator) -> None:
    laptop.hpo("scale", "birds", "4")
    assert asked(cluster) == Request(revision=2, workers=4, retry=1)
    printed = laptop.hpo("best", "birds").stdout
    assert "trial 0: validation accuracy 0.5000" in printed
    assert "training.learning_rate = 0.01" in printed
    running.answer = lambda request: status(request, "stopped", snapshot=snapshot())
    assert "go on with: make resume STUDY=birds" in laptop.hpo("stop", "birds").stdout
    assert asked(cluster).stopped


@pytest.mark.usefixtures("running")
def test_the_best_trial_becomes_a_configuration_on_the_laptop(laptop: Laptop) -> None:
    assert "written: best.yaml" in laptop.hpo("best", "birds", "--write", "best.yaml").stdout
    written = load_study(laptop.folder / "best.yaml")
    assert (written.name, written.space, written.training.learning_rate) == ("best", {}, 0.01)
    assert (
        "best.yaml: exists" in laptop.hpo("best", "birds", "--write", "best.yaml", status=2).stderr
    )


def test_stop_waits_until_the_workers_have_left(
    laptop: Laptop, cluster: FakeCluster, running: Coordinator
) -> None:
    name = "worker-birds-0-abcde"
    cluster.node.unpullable.add("none")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels_of("worker", "birds")},
        "spec": {"containers": [{"name": "worker", "image": "none"}]},
        "status": {"phase": "Running"},
    }
    cluster.store.create("pods", cluster.namespace, pod)
    running.answer = lambda request: status(request, "stopped", snapshot=snapshot())
    process = laptop.start("stop", "birds")
    eventually("it was asked to stop", lambda: asked(cluster).stopped)
    eventually(
        "it watches the pods",
        lambda: any(a.verb == "watch" and a.resource == "pods" for a in cluster.api.asked),
    )
    assert process.returncode is None
    cluster.store.remove("pods", cluster.namespace, name)
    printed, errors = process.communicate(timeout=30)
    assert "is stopped; go on with" in printed, errors


@pytest.mark.parametrize(
    ("arguments", "order"),
    [
        (("promote", "birds"), Order(verb="promote")),
        (("promote", "birds", "--trial", "3"), Order(verb="promote", trial=3)),
        (("rollback", "birds"), Order(verb="rollback")),
    ],
)
def test_an_order_is_given_once_and_its_answer_told(
    laptop: Laptop,
    cluster: FakeCluster,
    running: Coordinator,
    arguments: tuple[str, ...],
    order: Order,
) -> None:
    def answer(request: Request) -> Any:
        answered = Answer(revision=request.revision, text="promoted: trial 3 as version 2")
        return status(request, "done", snapshot=snapshot(), answer=answered)

    running.answer = answer
    assert laptop.hpo(*arguments).stdout == "promoted: trial 3 as version 2\n"
    assert asked(cluster).order == order
    laptop.hpo("scale", "birds", "1")
    assert asked(cluster).order is None


def test_an_order_that_cannot_be_done_says_why(laptop: Laptop, running: Coordinator) -> None:
    running.answer = lambda request: status(
        request, "done", answer=Answer(revision=request.revision, error="no version before 1")
    )
    ended = laptop.hpo("rollback", "birds", status=1)
    assert ended.stderr == "hpo: no version before 1\n"


def test_ctrl_c_ends_following_and_nothing_else(
    laptop: Laptop, cluster: FakeCluster, running: Coordinator
) -> None:
    before = asked(cluster)
    process = laptop.start("status", "birds", "--follow")
    assert "1/6 trials" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "goes on by itself" in printed
    assert asked(cluster) == before
    assert running is not None


@pytest.mark.usefixtures("running")
def test_logs_are_those_of_the_newest_pod_of_each_worker(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    for index, born in ((0, "2026-01-01"), (0, "2026-01-02"), (1, "2026-01-01")):
        write_pod(cluster, "worker", index, born, ["an epoch", "another"])
    printed = laptop.hpo("logs", "birds").stdout
    assert printed.splitlines() == [
        "[0] born 2026-01-02",
        "[0] an epoch",
        "[0] another",
        "[1] born 2026-01-01",
        "[1] an epoch",
        "[1] another",
    ]
    assert laptop.hpo("logs", "birds", "--worker", "1").stdout.count("[1]") == 3
    assert "no pod of worker 7" in laptop.refused("logs", "birds", "--worker", "7")


@pytest.mark.usefixtures("running")
def test_while_no_worker_has_run_the_logs_are_prepares(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    assert "no pod of study 'birds' is there" in laptop.refused("logs", "birds")
    write_pod(cluster, "prepare", 0, "2026-01-01", ["1 of 100"])
    assert "[prepare] 1 of 100" in laptop.hpo("logs", "birds").stdout


@pytest.mark.usefixtures("running")
def test_logs_follow_pods_that_come_later(laptop: Laptop, cluster: FakeCluster) -> None:
    write_pod(cluster, "worker", 0, "2026-01-01", ["an epoch"])
    process = laptop.start("logs", "birds", "--follow")
    assert [process.stdout.readline() for _ in range(2)][1] == "[0] an epoch\n"
    write_pod(cluster, "worker", 1, "2026-01-01", ["a first epoch"])
    assert [process.stdout.readline() for _ in range(2)][1] == "[1] a first epoch\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def write_pod(cluster: FakeCluster, role: str, index: int, born: str, lines: list[str]) -> None:
    """One that ran and has ended."""
    name = f"{role}-birds-{index}-{born}"
    log = cluster.folder / "pods" / name / "log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"{line}\n" for line in (f"born {born}", *lines)))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels_of(role, "birds"),
            "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
        },
        "spec": {"containers": [{"name": role, "image": "none"}]},
        "status": {"phase": "Succeeded"},
    }
    cluster.store.create("pods", cluster.namespace, pod)
    stamp = {"metadata": {"creationTimestamp": f"{born}T00:00:00Z"}}
    cluster.store.patch("pods", cluster.namespace, name, stamp)


@pytest.mark.usefixtures("coordinator")
def test_the_dashboard_opens_by_the_printed_url_until_ctrl_c(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    make_secret(cluster)
    with dashboard_of(cluster):
        process = laptop.start("dashboard", "--port", "0")
        url = urlsplit(process.stdout.readline().strip())
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
        connection.request("GET", f"{url.path}?{url.query}")
        answer = connection.getresponse()
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        answer.read()
        connection.close()
        connection.request("GET", answer.getheader("Location") or "", headers={"Cookie": cookie})
        assert connection.getresponse().read() == b"inside"
        connection.close()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname, url.port))


@pytest.mark.usefixtures("coordinator")
def test_a_forward_that_breaks_is_begun_again_on_the_same_port(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    make_secret(cluster)
    with dashboard_of(cluster):
        process = laptop.start("dashboard", "--port", "0")
        url = urlsplit(process.stdout.readline().strip())
        process.stdout.readline()
    with socket.create_connection((url.hostname, url.port)) as knock:  # nobody is behind it
        knock.recv(1)
    assert "lost connection to pod" in process.stdout.readline()
    with dashboard_of(cluster):

        def answers() -> bool:
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
            try:
                connection.request("GET", "/")
                return connection.getresponse().status == 401
            except OSError:
                return False
            finally:
                connection.close()

        eventually("it is forwarded again", answers)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


@pytest.mark.usefixtures("running")
def test_the_report_is_made_in_the_cluster_and_comes_to_the_laptop(
    laptop: Laptop, cluster: FakeCluster
) -> None:
    said = laptop.hpo("report", "birds", status=2).stderr
    assert "there is no study 'birds' in the database" in said
    assert not list((laptop.folder / "artifacts").glob("birds/*"))
    assert cluster is not None
