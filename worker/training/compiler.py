"""What torch.compile needs of the machine, when it is imported, and where it keeps what it has
compiled.

Knows nothing of models.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import torch

CPP = ("g++",)  # Inductor's, unless CXX names another
C = ("gcc", "clang")  # Triton's, which builds a launcher for each kernel, unless CC names another


def missing(device: torch.device) -> str | None:
    """What this machine lacks to compile for `device`; None where it has everything."""
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return "Python.h (of the package python3-dev)"
    if device.type == "cuda":
        if find_spec("triton") is None:
            return "the package triton"
        return _no_compiler("a C compiler", C, "CC")
    return _no_compiler("a C++ compiler", CPP, "CXX")


def _no_compiler(what: str, names: tuple[str, ...], variable: str) -> str | None:
    given = os.environ.get(variable)
    if any(shutil.which(name) for name in ((given,) if given else names)):
        return None
    return f"{what} ({given or ' or '.join(names)})"


def keep_in(folder: Path, threads: int) -> None:
    """Compiled code goes to `folder`, and every process that is told the same finds it there by the
    model's graph, the shapes, torch's version and the device: 3 s instead of 50 on a CPU. What
    TORCHINDUCTOR_CACHE_DIR says is not looked at: torch sets it itself when it is imported.

    threads: as many processes compile at once; read when the compiler is imported.
    """
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = str(threads)


def bring_in() -> None:
    """Imports the compiler, which the first compiled step would: 1.5 s and 120 MiB."""
    import torch._dynamo
    import torch._inductor.compile_fx  # noqa: F401


def forgive() -> None:
    """From now on what torch cannot compile runs as it is written, with a warning."""
    import torch._dynamo.config

    torch._dynamo.config.suppress_errors = True
