"""What is decided from what was observed: by example, and by rules over any observation."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.backends.backend import WorkerState
from coordinator.reconcile import MAX_CRASHES, Action, End, Expire, Start, Stop, decide
from study import exit_codes
from study.config.records import StudyConfig
from study.lease import Budget
from study.progress import Progress, RunningTrial
from study.registry import RegisteredStudy

CONFIG = StudyConfig.model_validate(
    {
        "name": "birds",
        "data": {"source": "/birds", "image_size": 8},
        "search": {"budget": {"trials": 10}},
    }
)


def progress(
    *,
    workers: int = 2,
    trials: int = 10,
    begun: int = 0,
    stopped: bool = False,
    holders: Sequence[str] = (),
    released: int = 0,
    paused: int = 0,
    time_spent: bool = False,
) -> Progress:
    held = [*holders, *("gone" for _ in range(released))]
    return Progress(
        study=RegisteredStudy(
            study_id=1, name="birds", config=CONFIG, store="s", stopped=stopped, workers=workers
        ),
        budget=Budget(
            stopped=stopped,
            trials=trials,
            begun=begun,
            open=len(held),
            paused=paused,
            concluded=None,
            device_seconds=None,
            device_spent=0.0,
            wall_seconds=1.0,
            wall_spent=2.0 if time_spent else 0.0,
            lease_seconds=30.0,
            max_attempts=3,
        ),
        outcomes={},
        running=tuple(
            RunningTrial(
                number=number,
                worker=name,
                epoch=None,
                value=None,
                images_per_second=None,
                seconds=None,
                released=number >= len(holders),
            )
            for number, name in enumerate(held)
        ),
        holders=frozenset(held),
        best=None,
    )


def alive(index: int) -> WorkerState:
    return WorkerState(index=index, name=f"w{index}", alive=True)


def dead(index: int, status: int | None, crashes: int = 0) -> WorkerState:
    return WorkerState(
        index=index, name=f"w{index}", alive=False, exit_status=status, crashes=crashes
    )


def test_missing_workers_are_started() -> None:
    assert decide(progress(), [], ()) == [Start(0, 2, 0), Start(1, 2, 0)]


def test_what_is_as_wanted_is_left_alone() -> None:
    assert decide(progress(begun=2, holders=["w0", "w1"]), [alive(0), alive(1)], ()) == []


def test_no_more_workers_start_than_trials_are_left() -> None:
    observed = progress(workers=4, begun=9, holders=["w0"])
    assert decide(observed, [alive(0)], ()) == [Start(1, 4, 0)]


def test_an_idle_worker_stays_to_adopt_the_last_trial() -> None:
    observed = progress(begun=10, holders=["w0"])
    assert decide(observed, [alive(0), alive(1)], ()) == []


def test_a_dead_workers_trials_are_given_free_before_the_next_starts() -> None:
    observed = progress(begun=2, holders=["w0", "w1"])
    actions = decide(observed, [dead(0, -signal.SIGKILL), alive(1)], ())
    assert actions == [Expire("w0"), Start(0, 2, 1)]


def test_a_trial_waiting_for_adoption_is_work_though_the_budget_is_begun() -> None:
    assert decide(progress(begun=10, released=1), [], ()) == [Start(0, 2, 0)]


def test_paused_trials_are_work_until_a_worker_has_promoted_or_ended_them() -> None:
    assert decide(progress(begun=10, paused=3), [], ()) == [Start(0, 2, 0), Start(1, 2, 0)]
    assert decide(progress(begun=10, paused=1), [alive(0)], ()) == []


def test_a_spent_time_budget_begins_nothing_new() -> None:
    assert decide(progress(begun=3, time_spent=True), [], ()) == [End(exit_codes.DONE)]
    observed = progress(begun=3, time_spent=True, released=1)
    assert decide(observed, [], ()) == [Start(0, 2, 0)]


def test_surplus_workers_are_stopped_and_the_first_ones_stay() -> None:
    observed = progress(workers=1, begun=3, holders=["w0", "w1", "w2"])
    assert decide(observed, [alive(0), alive(1), alive(2)], ()) == [Stop(1), Stop(2)]


def test_a_stopped_study_ends_when_its_last_worker_has_left() -> None:
    observed = progress(stopped=True, begun=1, holders=["w0"])
    assert decide(observed, [alive(0)], ()) == [Stop(0)]
    assert decide(observed, [dead(0, 143)], ()) == [Expire("w0"), End(exit_codes.PREEMPTED)]


def test_a_done_study_ends() -> None:
    assert decide(progress(begun=10), [dead(0, 0), dead(1, 1, 2)], ()) == [End(exit_codes.DONE)]


def test_a_crashed_worker_is_started_again_with_its_crashes_counted() -> None:
    workers = [dead(0, 1, crashes=1), alive(1)]
    assert decide(progress(), workers, ()) == [Start(0, 2, 2)]


def test_an_epoch_between_two_crashes_starts_the_count_anew() -> None:
    workers = [dead(0, 1, crashes=2), alive(1)]
    assert decide(progress(), workers, {"w0"}) == [Start(0, 2, 1)]


def test_a_worker_that_keeps_crashing_is_given_up_and_the_others_go_on() -> None:
    workers = [dead(0, 1, crashes=MAX_CRASHES - 1), alive(1)]
    assert decide(progress(), workers, ()) == []


def test_a_run_without_a_worker_to_start_ends_naming_one() -> None:
    workers = [dead(0, exit_codes.BROKEN_DEVICE), dead(1, None, crashes=MAX_CRASHES - 1)]
    assert decide(progress(), workers, ()) == [End(exit_codes.FAILED, 1)]


def test_a_worker_whose_device_broke_is_not_started_again() -> None:
    assert decide(progress(), [dead(0, exit_codes.BROKEN_DEVICE), alive(1)], ()) == []


def test_a_usage_error_of_one_worker_ends_the_run() -> None:
    workers = [dead(0, exit_codes.USAGE), alive(1)]
    assert decide(progress(), workers, ()) == [Stop(1)]
    workers = [dead(0, exit_codes.USAGE), dead(1, 143)]
    assert decide(progress(), workers, ()) == [End(exit_codes.USAGE, 0)]


@pytest.mark.parametrize("status", [0, 130, 143, -signal.SIGTERM])
def test_a_worker_that_left_is_replaced_without_counting_a_crash(status: int) -> None:
    workers = [dead(0, status, crashes=2), alive(1)]
    assert decide(progress(), workers, ()) == [Start(0, 2, 0)]


STATUSES = st.sampled_from([None, 0, 1, 2, 3, 130, 143, -9, -15])
WORKERS = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), STATUSES, st.integers(0, 3)),
    unique_by=lambda drawn: drawn[0],
).map(
    lambda rows: [
        alive(index) if living else dead(index, status, crashes)
        for index, living, status, crashes in sorted(rows, key=lambda row: row[0])
    ]
)
PROGRESS = st.builds(
    progress,
    workers=st.integers(1, 5),
    trials=st.integers(1, 8),
    begun=st.integers(0, 8),
    stopped=st.booleans(),
    holders=st.lists(st.sampled_from([f"w{i}" for i in range(7)]), max_size=4, unique=True),
    released=st.integers(0, 2),
    time_spent=st.booleans(),
)


def after(workers: Sequence[WorkerState], actions: Sequence[Action]) -> list[WorkerState]:
    """The workers once everything is done as asked."""
    known = {worker.index: worker for worker in workers}
    for action in actions:
        if isinstance(action, Start):
            known[action.index] = alive(action.index)
        elif isinstance(action, Stop):
            known[action.index] = dead(action.index, exit_codes.PREEMPTED)
    return [known[index] for index in sorted(known)]


@given(observed=PROGRESS, workers=WORKERS)
def test_never_more_workers_than_wanted_and_never_two_of_an_index(
    observed: Progress, workers: list[WorkerState]
) -> None:
    actions = decide(observed, workers, ())
    started = [action.index for action in actions if isinstance(action, Start)]
    living = {worker.index for worker in workers if worker.alive}
    assert len(set(started)) == len(started)
    assert not living & set(started)
    assert sum(worker.alive for worker in after(workers, actions)) <= observed.study.workers


@given(observed=PROGRESS, workers=WORKERS)
def test_an_end_leaves_no_worker_behind_and_starts_none(
    observed: Progress, workers: list[WorkerState]
) -> None:
    actions = decide(observed, workers, ())
    if any(isinstance(action, End) for action in actions):
        assert not any(worker.alive for worker in workers)
        assert not any(isinstance(action, Start) for action in actions)


@given(observed=PROGRESS, workers=WORKERS)
def test_a_second_step_has_nothing_to_start_or_stop(
    observed: Progress, workers: list[WorkerState]
) -> None:
    again = decide(observed, after(workers, decide(observed, workers, ())), ())
    assert not any(isinstance(action, (Start, Stop)) for action in again)


@given(observed=PROGRESS, workers=WORKERS)
def test_there_is_always_a_worker_to_come_or_an_end(
    observed: Progress, workers: list[WorkerState]
) -> None:
    actions = decide(observed, workers, ())
    ended = any(isinstance(action, End) for action in actions)
    assert ended or any(w.alive for w in workers) or any(isinstance(a, Start) for a in actions)
