"""A probe hears what the supervisor last said, over HTTP."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from study.errors import UsageError
from study.probes import served
from worker import health as module
from worker.health import Health

Get = Callable[[str], tuple[int, Any]]


@pytest.fixture
def health() -> Health:
    return Health("worker-0", "birds")


@pytest.fixture
def get(health: Health) -> Iterator[Get]:
    with served(health, 0) as port:

        def ask(path: str) -> tuple[int, Any]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.loads(error.read())

        yield ask


def test_a_worker_that_waits_for_its_database_is_alive_and_not_ready(get: Get) -> None:
    status, content = get("/healthz")
    assert (status, content["state"]) == (200, "waits for the database")
    assert (content["worker"], content["study"], content["trials"]) == ("worker-0", "birds", [])
    assert get("/readyz")[0] == 503


def test_a_worker_that_trains_is_ready_and_says_what(health: Health, get: Get) -> None:
    health.say("trains", ready=True, trials={7: 3, 9: None})
    status, content = get("/readyz")
    assert (status, content["state"]) == (200, "trains")
    assert content["trials"] == [{"number": 7, "epoch": 3}, {"number": 9, "epoch": None}]


def test_a_loop_that_no_longer_turns_is_not_alive(
    health: Health, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    health.say("trains", ready=True)
    monkeypatch.setattr(module, "TURN_SECONDS", 0.0)
    status, content = get("/healthz")
    assert status == 503
    assert content["seconds_since_turn"] >= 0.0
    assert get("/readyz")[0] == 200, "whether work is done is another question"
    monkeypatch.undo()
    health.turned()
    assert get("/healthz")[0] == 200


def test_other_paths_are_told_which_there_are(get: Get) -> None:
    assert get("/metrics") == (404, {"paths": ["/healthz", "/readyz"]})


def test_a_client_that_says_nothing_blocks_nobody(health: Health) -> None:
    with (
        served(health, 0) as port,
        socket.create_connection(("127.0.0.1", port or 0)),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer,
    ):
        assert answer.status == 200


def test_a_taken_port_is_one_line(health: Health) -> None:
    with (
        served(health, 0) as port,
        pytest.raises(UsageError, match=f"port {port}: .*in use"),
        served(health, port),
    ):
        pass


def test_without_a_port_nothing_is_served(health: Health) -> None:
    with served(health, None) as port:
        assert port is None
