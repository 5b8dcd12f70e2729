from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from study.config.data import DataConfig
from study.config.records import StudyConfig
from study.config.search import BudgetConfig, SearchConfig
from worker.parts import Parts

MOST = 3  # retries

BATCHES = st.integers(1, 512)
TRIALS = st.lists(st.tuples(BATCHES, st.integers(0, MOST)), max_size=8)


def of(batch: int, *, image_size: int = 32, **model: Any) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "small",
            "data": DataConfig(source="unused", image_size=image_size).model_dump(),
            "model": model,
            "training": {"batch_size": batch},
            "search": SearchConfig(budget=BudgetConfig(trials=1)).model_dump(),
        }
    )


def test_the_next_trial_of_the_shape_begins_in_the_parts_that_were_needed() -> None:
    parts = Parts(MOST)
    assert parts.needed(of(64, dropout=0.1), 0) == 1
    assert parts.needed(of(64, dropout=0.1), 1) == 2
    assert parts.needed(of(64, dropout=0.4), 0) == 2
    assert parts.needed(of(128), 0) == 4
    assert parts.needed(of(63), 0) == 1


def test_another_shape_begins_whole() -> None:
    parts = Parts(MOST)
    assert parts.needed(of(64, n_layers=3), 2) == 4
    assert parts.needed(of(64, n_layers=2), 0) == 1
    assert parts.needed(of(64, n_layers=3, image_size=64), 0) == 1


@given(TRIALS, BATCHES, st.integers(0, MOST))
def test_parts_are_never_as_large_as_one_that_was_too_large_unless_the_study_forbids_smaller_ones(
    trials: list[tuple[int, int]], batch: int, retries: int
) -> None:
    parts = Parts(MOST)
    refused: list[int] = []
    for each, times in [*trials, (batch, retries)]:
        found = parts.needed(of(each), times)
        if times:
            refused.append(-(-each // 2 ** (times - 1)))
        assert found in (1, 2, 4, 8)
        assert found >= 2**times
        limit = min(refused, default=None)
        if limit is None:
            assert found == 1
        else:
            assert found == 2**MOST or -(-each // found) < limit
