"""Reads ledger.sql: every statement by its name."""

from __future__ import annotations

import re
from importlib.resources import files

from sqlalchemy import TextClause, text


def _read() -> dict[str, TextClause]:
    source = files("study").joinpath("ledger.sql").read_text()
    parts = re.split(r"^-- name: (\w+)$", source, flags=re.MULTILINE)
    return {name: text(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


STATEMENTS = _read()
