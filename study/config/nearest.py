"""What a mistyped name was probably meant to be. Knows nothing of what the names stand for."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The most similar of the valid names, or None where none is similar.

    A name that is the last part of a dotted one counts as it: `dropout` is near `model.dropout`.
    """
    names = list(valid)
    close = get_close_matches(name, names, n=1)
    if close:
        return close[0]
    lasts = {known.rpartition(".")[2]: known for known in reversed(names)}
    close = get_close_matches(name.rpartition(".")[2], lasts, n=1)
    return lasts[close[0]] if close else None


def hint(name: str, valid: Iterable[str]) -> str:
    """`; did you mean X? valid: X, Y, Z`, to be put behind a rule."""
    names = list(valid)
    if not names:
        return ""
    near = nearest(name, names)
    question = f"did you mean {near}? " if near else ""
    return f"; {question}valid: {', '.join(names)}"
