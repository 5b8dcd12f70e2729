from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from study.config.search import BudgetConfig, Metric, SearchConfig

BUDGET = BudgetConfig(trials=1)


@pytest.mark.parametrize("metric", get_args(Metric))
def test_a_metric_is_searched_in_the_direction_in_which_it_is_better(metric: Metric) -> None:
    error = metric in ("loss", "log_loss", "ece")
    right, wrong = ("minimize", "maximize") if error else ("maximize", "minimize")
    assert SearchConfig(metric=metric, direction=right, budget=BUDGET).sign == (-1 if error else 1)
    with pytest.raises(ValidationError, match=f"must be {right} for metric {metric}"):
        SearchConfig(metric=metric, direction=wrong, budget=BUDGET)
