from __future__ import annotations

import pytest
import torch

from study.config.training import TrainingConfig
from worker.training.class_weights import class_weights


def weights(counts: tuple[int, ...], **training: object) -> list[float]:
    found = class_weights(TrainingConfig.model_validate(training), counts)
    assert found is not None
    assert found.dtype == torch.float32
    return found.tolist()


def test_inverse_weighs_a_class_by_how_rare_it_is_and_an_empty_one_nothing() -> None:
    found = weights((30, 10, 0), class_weights="inverse")
    assert found == pytest.approx([40 / 90, 40 / 30, 0.0])


def test_effective_number_is_the_formula_of_its_paper() -> None:
    found = weights((100, 10), class_weights="effective_number", effective_number_beta=0.9)
    rare, common = 0.1 / (1 - 0.9**10), 0.1 / (1 - 0.9**100)
    assert found == pytest.approx([2 * common / (rare + common), 2 * rare / (rare + common)])


def test_effective_number_lies_between_equal_and_inverse_weights() -> None:
    counts = (1000, 10, 0)
    equal = weights(counts, class_weights="effective_number", effective_number_beta=0.0)
    inverse = weights(counts, class_weights="effective_number", effective_number_beta=1 - 1e-9)
    assert equal == pytest.approx([1.5, 1.5, 0.0])
    assert inverse[1] / inverse[0] == pytest.approx(100, rel=1e-3)


def test_without_class_weights_there_are_none() -> None:
    assert class_weights(TrainingConfig(), (30, 10)) is None
