"""What every back end promises, tried on each with real workers."""

from __future__ import annotations

import signal
import threading

import pytest

from tests.coordinator.backends.conftest import Make, only, wait_dead, wait_for, wait_ready


@pytest.fixture(params=["local", "docker"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.getfixturevalue(f"make_{request.param}")
    return made


def test_a_started_worker_is_alive_at_once_and_gets_its_share(make: Make) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=2)
    state = only(backend)
    assert (state.index, state.alive, state.exit_status, state.crashes) == (0, True, None, 2)
    wait_ready(backend)
    assert backend.last_lines(0, 2)[0] == f"hello from {state.name} threads 3"


def test_a_stopped_worker_leaves_with_its_own_exit_status(make: Make) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.stop(0)
    backend.stop(0)
    assert wait_dead(backend).exit_status == 143
    assert [*backend.last_lines(0, 5)].count("leaving") == 1


def test_a_killed_worker_is_dead(make: Make) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    wait_ready(backend)
    backend.kill(0)
    assert wait_dead(backend).exit_status in (None, -signal.SIGKILL)


def test_starting_a_living_worker_again_changes_nothing(make: Make) -> None:
    backend = make()
    backend.start(0, workers=1, crashes=0)
    before = only(backend).name
    make().start(0, workers=1, crashes=0)
    assert only(backend).name == before


def test_two_that_start_the_same_worker_at_once_start_one(make: Make) -> None:
    threads = [
        threading.Thread(target=make().start, args=(0,), kwargs={"workers": 1, "crashes": 0})
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend = make()
    wait_ready(backend)
    name = only(backend).name
    assert [line for line in backend.last_lines(0, 9) if line.startswith("hello")] == [
        f"hello from {name} threads 3"
    ]


def test_a_worker_that_is_started_again_has_another_name(make: Make) -> None:
    make("crash").start(0, workers=1, crashes=0)
    backend = make()
    first = wait_dead(backend)

    def started() -> bool:
        backend.start(0, workers=1, crashes=1)
        return only(backend).alive

    wait_for(started, "the next worker has started")
    second = only(backend)
    assert second.name != first.name
    assert second.crashes == 1


def test_a_coordinator_that_did_not_start_a_worker_sees_how_it_ended(make: Make) -> None:
    make("crash").start(0, workers=1, crashes=0)
    other = make()
    assert wait_dead(other).exit_status == 1
    assert "the reason" in other.last_lines(0, 2)


def test_the_signal_that_ended_a_worker_is_its_exit_status(make: Make) -> None:
    backend = make("killed")
    backend.start(0, workers=1, crashes=0)
    assert wait_dead(backend).exit_status == -signal.SIGKILL


def test_a_command_that_cannot_be_run_ends_with_its_reason(make: Make) -> None:
    backend = make(command=["/no/such/program"])
    backend.start(0, workers=1, crashes=0)
    assert wait_dead(backend).exit_status == 127
    assert "/no/such/program" in backend.last_lines(0, 1)[0]


def test_forgetting_keeps_the_living(make: Make) -> None:
    backend = make()
    backend.start(0, workers=2, crashes=0)
    make("crash").start(1, workers=2, crashes=0)
    wait_for(lambda: [s.alive for s in backend.observe()] == [True, False], "worker 1 crashed")
    backend.forget()
    assert [state.index for state in backend.observe()] == [0]


def test_a_worker_that_never_ran_is_nobody(make: Make) -> None:
    backend = make()
    backend.stop(0)
    backend.kill(0)
    assert backend.observe() == []
    assert list(backend.last_lines(0, 5)) == []
