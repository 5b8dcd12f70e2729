from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import OneCycleLR

from study.config.training import TrainingConfig
from worker.training.schedule import learning_rate, one_cycle


@pytest.mark.parametrize(("steps", "warmup"), [(60, 0.3), (17, 0.21), (200, 0.05), (50, 0.0)])
def test_one_cycle_follows_torch(steps: int, warmup: float) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = OneCycleLR(
        optimizer, max_lr=1.0, total_steps=steps, pct_start=warmup, cycle_momentum=False
    )
    for step in range(steps):
        assert one_cycle(step, steps, warmup) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if step < steps - 1:
            theirs.step()


@given(total=st.integers(1, 50), warmup=st.floats(0, 1), data=st.data())
def test_one_cycle_has_a_value_at_every_step_of_every_length(
    total: int, warmup: float, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, total - 1))
    assert 0 < one_cycle(step, total, warmup) <= 1


def test_cosine_falls_from_the_peak_to_almost_nothing() -> None:
    config = TrainingConfig(schedule="cosine", epochs=10, learning_rate=0.2)
    rates = [learning_rate(config, step, 10) for step in range(100)]
    assert rates[0] == 0.2
    assert rates == sorted(rates, reverse=True)
    assert rates[50] == pytest.approx(0.1)
    assert 0 < rates[-1] < 0.2 / 1000


def test_step_drops_between_epochs_and_constant_never() -> None:
    config = TrainingConfig(
        schedule="step", epochs=6, step_epochs=2, step_factor=0.5, learning_rate=0.8
    )
    rates = [learning_rate(config, epoch * 7 + 6, 7) for epoch in range(6)]
    assert rates == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    constant = TrainingConfig(schedule="constant", learning_rate=0.8)
    assert {learning_rate(constant, step, 7) for step in range(70)} == {0.8}
