"""ledger.sql has what the code asks for, and nothing besides."""

from __future__ import annotations

import re
from pathlib import Path

from study.statements import STATEMENTS

ROOT = Path(__file__).parents[2]


def test_every_statement_is_used_and_every_used_one_is_there() -> None:
    sources = [
        file.read_text()
        for room in ("study", "worker", "coordinator")
        for file in (ROOT / room).rglob("*.py")
    ]
    used = {name for text in sources for name in re.findall(r'STATEMENTS\["(\w+)"\]', text)}
    assert used == STATEMENTS.keys()
