from __future__ import annotations

import torch
from torch import Tensor, nn

from worker.evaluation.second import second_objective

CPU = torch.device("cpu")


class Counting(nn.Module):
    """Counts its forwards; with a layer that is frozen, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen = nn.Linear(12, 5).requires_grad_(False)
        self.head = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 2, bias=False))
        self.shapes: set[torch.Size] = set()

    def forward(self, images: Tensor) -> Tensor:
        self.shapes.add(images.shape)
        assert not self.training
        logits: Tensor = self.head(self.frozen(images.flatten(1)))
        return logits


def test_parameters_are_all_that_training_can_ever_change() -> None:
    found = second_objective(
        "parameters", Counting(), picture=(3, 2, 2), device=CPU, dtype=torch.float32
    )
    assert found == (12 * 5 + 5) + (5 + 5) + 5 * 2


def test_latency_is_of_one_picture_in_milliseconds() -> None:
    model = Counting()
    found = second_objective("latency", model, picture=(3, 2, 2), device=CPU, dtype=torch.float32)
    assert model.shapes == {torch.Size((1, 3, 2, 2))}
    assert 0.001 < found < 1000
