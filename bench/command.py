"""What all parts of the suite take on the command line, and where their section goes.

Knows nothing of what is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.section import Section
from study import atomic

ROUNDS = 5


def parser_for(document: str | None) -> argparse.ArgumentParser:
    """With the options of every part; the first line of its document describes it."""
    parser = argparse.ArgumentParser(description=(document or "").split("\n", 1)[0])
    parser.add_argument(
        "--data", type=Path, help="archive or folder of pictures; made-up ones unless it is given"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    parser.add_argument("--output", type=Path, help="JSON file for the section; else it is printed")
    return parser


def study_parser_for(
    document: str | None, *, size: int, trials: int, epochs: int
) -> argparse.ArgumentParser:
    """The same for parts that run studies (own_study.py), with these defaults."""
    parser = parser_for(document)
    parser.add_argument("--size", type=int, default=size, help="side of the input, pixels")
    parser.add_argument("--trials", type=int, default=trials, help="of each study")
    parser.add_argument("--epochs", type=int, default=epochs, help="of each trial")
    parser.add_argument("--limit", type=int, help="pictures of each class at most")
    return parser


def arguments_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Those of this process; `source_name` says what was measured on."""
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {given.rounds}")
    if given.data is not None and not given.data.exists():
        parser.error(f"--data: no such archive or folder: {given.data}")
    given.source_name = given.data.name if given.data is not None else "Made-up pictures"
    return given


def finish(section: Section, given: argparse.Namespace) -> None:
    """Writes the section where it was asked for, or shows it."""
    if given.output is not None:
        atomic.write_json(given.output, section.to_plain())
    else:
        print(section.markdown())  # noqa: T201
