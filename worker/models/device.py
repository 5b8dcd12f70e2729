"""Which device `auto` means.

Knows nothing of models; asking starts no CUDA context.
"""

from __future__ import annotations

import torch


def resolve_device(name: str) -> torch.device:
    """The device of that name; auto: the first GPU, else the CPU."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
