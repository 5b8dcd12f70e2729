"""How a data set of the Hugging Face hub is named: hf://OWNER/NAME[/CONFIGURATION][@REVISION].

Knows nothing of what is in one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEME = "hf://"

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_NAME = re.compile(
    rf"hf://(?P<repository>{_WORD}/{_WORD})(?:/(?P<configuration>{_WORD}))?(?:@(?P<revision>\S+))?"
)


@dataclass(frozen=True)
class HubName:
    """Of a data set."""

    repository: str
    """OWNER/NAME."""
    configuration: str | None
    """None: its only one, or the default."""
    revision: str | None
    """A branch, tag or commit; None: main."""


def is_hub(source: str) -> bool:
    """Whether a source is on the hub and no path."""
    return source.startswith(SCHEME)


def parse_hub(source: str) -> HubName:
    """Raises ValueError for what is not so written."""
    match = _NAME.fullmatch(source)
    if match is None:
        raise ValueError(f"must be {SCHEME}OWNER/NAME[/CONFIGURATION][@REVISION], got {source!r}")
    return HubName(match["repository"], match["configuration"], match["revision"])
