from __future__ import annotations

import errno

import pytest
import torch

from study.errors import BadData, DataError, Diverged
from worker.diagnosis import diagnose


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (Diverged("the loss"), "Diverged"),
        (BadData("gone"), "BadData"),
        (DataError("no DALI"), "BadData"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "OutOfMemory"),
        (MemoryError(), "OutOfMemory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "OutOfMemory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "OutOfMemory"),
        (torch.AcceleratorError("CUDA error: out of memory"), "OutOfMemory"),
        (torch.AcceleratorError("CUDA error: device-side assert triggered"), "BrokenDevice"),
        (torch.AcceleratorError("CUDA error: uncorrectable ECC error"), "BrokenDevice"),
        (RuntimeError("CUDA error: unspecified launch failure"), "BrokenDevice"),
        (RuntimeError("No CUDA GPUs are available"), "BrokenDevice"),
        (AssertionError("Torch not compiled with CUDA enabled"), "BrokenDevice"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "bug"),
        (AssertionError("invariant"), "bug"),
        (KeyError("x"), "bug"),
        (PermissionError(errno.EACCES, "Permission denied"), "bug"),
    ],
)
def test_every_exception_has_its_class_of_failure(error: Exception, failure: str) -> None:
    assert diagnose(error).failure == failure


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_as_such(number: int) -> None:
    failed = diagnose(OSError(number, "no room", "/artifacts/x"))
    assert (failed.failure, failed.reason[:9]) == ("bug", "disk full")
    assert "/artifacts/x" in failed.reason


def test_a_batch_too_small_to_be_normalised_is_the_parameters_fault() -> None:
    with pytest.raises(ValueError, match="more than 1 value") as raised:
        torch.nn.BatchNorm1d(4)(torch.zeros(1, 4))
    failed = diagnose(raised.value)
    assert failed.failure == "Infeasible"
    assert "larger batch_size" in failed.reason


def test_the_traceback_is_kept_and_an_error_without_text_is_named() -> None:
    try:
        raise KeyError
    except KeyError as error:
        failed = diagnose(error)
    assert failed.reason == "KeyError"
    assert "test_diagnosis.py" in failed.traceback
