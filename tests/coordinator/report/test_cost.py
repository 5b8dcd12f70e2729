"""What a study cost, and what pruning saved."""

from __future__ import annotations

import pytest

from coordinator.report.cost import cost

from .conftest import made


def test_time_in_which_trials_overlap_counts_once_and_pauses_do_not() -> None:
    found = cost(
        [
            made(0, 0.5, begun=0, seconds=100),
            made(1, 0.5, begun=50, seconds=100),
            made(2, 0.5, begun=1000, seconds=50),
        ]
    )
    assert found.busy_seconds == 200
    assert found.device_seconds == 250
    assert found.trials_per_hour == pytest.approx(54.0)


def test_a_pruned_trial_saved_its_missing_epochs_at_its_own_pace() -> None:
    found = cost(
        [
            made(0, 0.5, curve=(0.1,) * 10, seconds=100),
            made(1, 0.2, curve=(0.1,) * 4, seconds=80, outcome="pruned"),
        ]
    )
    assert found.saved_seconds == pytest.approx(6 * 20)
    assert found.saved_share == pytest.approx(120 / 300)


def test_complete_trials_that_stopped_early_set_the_length_that_is_compared_with() -> None:
    trials = [
        made(0, 0.5, curve=(0.1,) * 10),
        made(1, 0.5, curve=(0.1,) * 6),
        made(2, 0.2, curve=(0.1,) * 2, seconds=20, outcome="pruned"),
    ]
    assert cost(trials).saved_seconds == pytest.approx(60)


def test_without_a_pruned_or_without_a_complete_trial_nothing_is_estimated() -> None:
    assert cost([made(0, 0.5, curve=(0.1,))]).saved_seconds is None
    assert cost([made(0, 0.5, curve=(0.1,), outcome="pruned")]).saved_seconds is None
    assert cost([]).trials_per_hour is None
