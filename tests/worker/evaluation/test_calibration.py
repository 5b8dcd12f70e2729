from __future__ import annotations

import math

import pytest
import torch

from worker.evaluation.calibration import calibrate, entropy, is_unlike

LOGITS = torch.randn(1000, 5, generator=torch.Generator().manual_seed(0)) * 4


def test_one_in_a_hundred_pictures_of_the_split_itself_is_unlike_it() -> None:
    calibration = calibrate(LOGITS)
    assert calibration["pictures"] == 1000
    assert is_unlike(LOGITS, calibration).sum() == 10


def test_pictures_no_class_answers_to_are_unlike() -> None:
    calibration = calibrate(LOGITS)
    assert is_unlike(torch.full((1, 5), -20.0), calibration).item()
    assert not is_unlike(torch.tensor([[20.0, 0.0, 0.0, 0.0, 0.0]]), calibration).item()


def test_entropy_is_that_of_the_softmax_in_nats() -> None:
    assert entropy(torch.zeros(1, 5)).item() == pytest.approx(math.log(5))
    assert entropy(torch.tensor([[1000.0, 0.0]])).item() == pytest.approx(0.0)
    halves = torch.tensor([[3.0, 3.0, -1000.0]])
    assert entropy(halves).item() == pytest.approx(math.log(2))
