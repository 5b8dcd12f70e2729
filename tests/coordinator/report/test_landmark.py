"""Trials as they stood before the first was pruned."""

from __future__ import annotations

import pytest

from coordinator.report.landmark import landmark

from .conftest import made

LONG = made(0, 0.9, curve=(0.1, 0.5, 0.4, 0.9))
EARLY = made(1, 0.6, curve=(0.6, 0.2, 0.1), outcome="pruned")
LATE = made(2, 0.3, curve=(0.1, 0.2, 0.3, 0.3), outcome="pruned")


@pytest.mark.parametrize(("sign", "values"), [(1, [0.5, 0.6, 0.3]), (-1, [0.1, 0.1, 0.1])])
def test_every_trial_counts_with_its_best_epoch_up_to_the_first_cut(
    sign: int, values: list[float]
) -> None:
    found = landmark([LONG, EARLY, LATE], sign=sign)
    assert found is not None
    assert found.epochs == 3
    assert [trial.values[0] for trial in found.trials] == values
    assert all(trial.complete for trial in found.trials)


def test_a_trial_that_diverged_before_has_no_value_and_is_counted_as_cut_short() -> None:
    diverged = made(3, None, curve=(0.2,), outcome="diverged")
    found = landmark([LONG, EARLY, diverged], sign=1)
    assert found is not None
    assert (found.epochs, found.trials[-1]) == (3, diverged)


def test_trials_that_say_nothing_of_the_parameters_are_left_out() -> None:
    failed = made(4, None, curve=(0.1, 0.2, 0.3), outcome="failed")
    found = landmark([LONG, EARLY, failed], sign=1)
    assert found is not None
    assert len(found.trials) == 2


def test_without_a_pruned_trial_there_is_no_second_comparison() -> None:
    assert landmark([LONG, made(5, None, outcome="pruned")], sign=1) is None
