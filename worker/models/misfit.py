"""Where saved weights and a model differ, in a line that names both sides.

Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn

SHOWN = 3  # names of layers in a message


def misfit(model: nn.Module, state: Mapping[str, Tensor]) -> str | None:
    """Why `state` is not of `model`; None where it is."""
    return differences(model.state_dict(), state)


def differences(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str | None:
    """The same of part of a model's state_dict."""
    found = []
    if missing := wanted.keys() - state.keys():
        found.append(f"the model has {_names(missing)}, the file has not")
    if unknown := state.keys() - wanted.keys():
        found.append(f"the file has {_names(unknown)}, the model has not")
    for name in wanted.keys() & state.keys():
        ours, theirs = tuple(wanted[name].shape), tuple(state[name].shape)
        if ours != theirs:
            found.append(f"{name} is {ours} in the model and {theirs} in the file")
    return "; ".join(sorted(found)[:SHOWN]) or None


def _names(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(sorted(names)[:SHOWN]) + more
