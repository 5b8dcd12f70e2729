"""What the verbs for a model have in common at the command line: MODEL, names of pictures, threads,
the folder that files go to, and how a verb ends. Knows no verb.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from study import exit_codes, paths
from study.errors import one_line
from study.paths import StudyPaths
from study.told import called
from worker import environment
from worker.inspection.terminal import say

if TYPE_CHECKING:
    from worker.evaluation.classifier import Classifier

Model = Annotated[str, typer.Argument(metavar="MODEL", help="a study's name, or a model's folder")]
LISTED = "-"  # for pictures whose names come on standard input


def named(given: Sequence[str]) -> list[str]:
    """With the lines of standard input where `-` stands."""
    names: list[str] = []
    for name in given:
        if name == LISTED:
            names += [line for line in sys.stdin.read().splitlines() if line]
        else:
            names.append(name)
    return names


def place_of(classifier: Classifier) -> StudyPaths:
    """Where files go that are made of a model."""
    return paths.artifacts(classifier.described.manifest.study)


def set_threads() -> int:
    """Of torch, and how many to decode with."""
    import torch

    threads = environment.threads()
    torch.set_num_threads(threads)
    return threads


def end(names: Sequence[str], unreadable: Mapping[int, str]) -> None:
    """Names the pictures that could not be read; then the verb has failed."""
    for number, reason in sorted(unreadable.items()):
        say(one_line(f"{called('hpo-worker')}: {names[number]}: skipped: {reason}"))
    if unreadable:
        raise typer.Exit(exit_codes.FAILED)
