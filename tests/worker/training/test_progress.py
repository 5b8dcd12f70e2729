from __future__ import annotations

import pytest
import torch

from worker.training import progress as module
from worker.training.progress import Progress

LOGITS = torch.eye(3)[[0, 1, 2, 0]]  # (4, 3)
CPU = torch.device("cpu")


def test_logits_that_are_too_many_are_those_of_the_last_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HELD_VALUES", 2 * LOGITS.numel())
    progress = Progress()
    for step in range(5):
        progress.count(torch.tensor(1.0), LOGITS + step, torch.full((4,), step), 0.1)
    logits, labels = progress.outputs(CPU)
    assert labels.tolist() == [3] * 4 + [4] * 4
    torch.testing.assert_close(logits, torch.cat([LOGITS + 3, LOGITS + 4]))
    assert (progress.images, progress.loss_sum.item()) == (20, 20.0)


def test_a_single_step_is_held_however_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_VALUES", 1)
    progress = Progress()
    progress.count(torch.tensor(1.0), LOGITS, torch.arange(4), 0.1)
    assert progress.outputs(CPU)[1].tolist() == [0, 1, 2, 3]


def test_a_blended_picture_counts_for_the_class_with_the_larger_share() -> None:
    progress = Progress()
    shares = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.0, 0.8]])
    progress.count(torch.tensor(1.0), LOGITS[:2], shares, 0.1)
    assert progress.outputs(CPU)[1].tolist() == [0, 2]
