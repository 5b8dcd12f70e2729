from __future__ import annotations

import pytest
import torch

from worker.models.precision import Precision, autocast, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_a_named_precision_is_taken_as_it_is(name: Precision) -> None:
    assert resolve_precision(name, CPU) == getattr(torch, name)


def test_auto_on_a_cpu_never_needs_loss_scaling() -> None:
    assert resolve_precision("auto", CPU) in (torch.float32, torch.bfloat16)


def test_layers_compute_in_the_precision_and_weights_stay_float32() -> None:
    layer = torch.nn.Linear(4, 4)
    with autocast(CPU, torch.bfloat16):
        assert layer(torch.ones(1, 4)).dtype == torch.bfloat16
    with autocast(CPU, torch.float32):
        assert layer(torch.ones(1, 4)).dtype == torch.float32
    assert layer.weight.dtype == torch.float32
