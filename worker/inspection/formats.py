"""The forms a model is exported in: how each is written, and how its file is run.

torch: a `torch.export` program (.pt2), which torch runs without this project's code. onnx: for
everything else. Both carry the contract (packaged.py), as JSON. Knows nothing of what is exported.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.export import Dim, ExportedProgram

from study.errors import UsageError
from worker.inspection.squares import Square

CONTRACT = "contract"
INPUT, OUTPUTS = "pixels", ("logits", "distance")

Answers = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Logits (B, n_classes), and distances (B,) from the training pictures."""
Run = Callable[[Square], Answers]
"""From pixels (B, P, P, C) uint8."""


@dataclass(frozen=True)
class Format:
    """One of them."""

    suffix: str
    write: Callable[[ExportedProgram, Mapping[str, Any], Path], None]
    """Program and contract into a file."""
    open: Callable[[Path], Run]
    """The file as another program would run it."""


def trace(model: nn.Module, pixels: Square) -> ExportedProgram:
    """The program of a model for any number of pictures; `pixels` are two or more of them."""
    batch = {0: Dim("batch", min=1)}
    return torch.export.export(model, (torch.from_numpy(pixels),), dynamic_shapes=(batch,))


def _write_torch(program: ExportedProgram, contract: Mapping[str, Any], file: Path) -> None:
    torch.export.save(program, file, extra_files={f"{CONTRACT}.json": json.dumps(contract)})


def _open_torch(file: Path) -> Run:
    module = torch.export.load(file).module()

    @torch.no_grad()
    def run(pixels: Square) -> Answers:
        logits, distances = module(torch.from_numpy(pixels))
        return logits.numpy(), distances.numpy()

    return run


def _write_onnx(program: ExportedProgram, contract: Mapping[str, Any], file: Path) -> None:
    _needs("onnx", "onnxscript", "onnxruntime")
    made = torch.onnx.export(
        program, input_names=[INPUT], output_names=[*OUTPUTS], dynamo=True, verbose=False
    )
    assert made is not None, "given with dynamo"
    made.model.metadata_props[CONTRACT] = json.dumps(contract)
    made.save(file)
    import onnx

    onnx.checker.check_model(file, full_check=True)


def _open_onnx(file: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])

    def run(pixels: Square) -> Answers:
        logits, distances = session.run([*OUTPUTS], {INPUT: pixels})
        return logits, distances

    return run


def _needs(*modules: str) -> None:
    """Raises UsageError where one of the extra's modules is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise UsageError(f"ONNX needs {module}: pip install 'hpo[export]', or --format torch")


FORMATS = {
    "onnx": Format(".onnx", _write_onnx, _open_onnx),
    "torch": Format(".pt2", _write_torch, _open_torch),
}
