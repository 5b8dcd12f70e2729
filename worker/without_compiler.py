"""Imported by the fork server before torchvision: torch's compiler is imported where something is
compiled, and nowhere else.

It is 70 MiB with its algebra (sympy) and takes 1.3 s. torchvision asks for it twice: where it pools
regions of interest (ops/roi_align.py), and to keep it from one function (tv_tensors/__init__.py);
no study calls either. torch's own optimizers do too (training/optimizer.py). Where another version
of torchvision asks for more of it, it is imported. Knows nothing of what is compiled.
"""

from __future__ import annotations

import importlib
import sys
from functools import partial, wraps
from types import ModuleType
from typing import Any

import torch

ASKED = "torch._dynamo.utils"


def _is_compile_supported(device: str) -> bool:
    """What torchvision keeps in place of the compiler's own, with the answer of that."""
    supported: bool = importlib.import_module(ASKED).is_compile_supported(device)
    return supported


class _StandIn(ModuleType):
    """What torchvision finds in the place of the compiler's module."""

    is_compile_supported = staticmethod(_is_compile_supported)

    def __getattr__(self, name: str) -> object:
        """Of the module itself, which takes the place."""
        if name.startswith("__"):  # Python's imports look for such names
            raise AttributeError(name)
        self.make_way()
        return getattr(importlib.import_module(ASKED), name)

    def make_way(self) -> None:
        """The next import is of the module itself."""
        if sys.modules.get(ASKED) is self:
            del sys.modules[ASKED]


def _disable(fn: Any = None, recursive: Any = True, *, reason: Any = None) -> Any:
    """As torch.compiler.disable, which is asked when the function is called."""
    if fn is None:
        return partial(_disable, recursive=recursive, reason=reason)

    @wraps(fn)
    def disabled(*args: Any, **kwargs: Any) -> Any:
        return torch.compiler.disable(fn, recursive, reason=reason)(*args, **kwargs)  # type: ignore[no-untyped-call]

    return disabled


def _import_torchvision() -> None:
    stand_in = sys.modules[ASKED] = _StandIn(ASKED)
    disable, torch.compiler.disable = torch.compiler.disable, _disable
    try:
        importlib.import_module("torchvision.transforms.v2")
    finally:
        torch.compiler.disable = disable
        stand_in.make_way()


if ASKED not in sys.modules:
    _import_torchvision()
