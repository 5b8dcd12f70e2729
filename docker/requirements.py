"""Prints what pip has to install for some extras of the project, from pyproject.toml beside it.

A file of its own in a build, so that an image's largest layer follows from these lines alone and
not from whatever else changes in pyproject.toml. The Dockerfiles run `requirements.py EXTRA...`.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(project: Path, extras: list[str]) -> list[str]:
    """The project's own dependencies and those of its extras, in order. Raises KeyError for an
    extra that it does not have."""
    table = tomllib.loads(project.read_text())["project"]
    optional = table["optional-dependencies"]
    return sorted({*table["dependencies"], *(line for extra in extras for line in optional[extra])})


if __name__ == "__main__":
    print("\n".join(requirements(Path("pyproject.toml"), sys.argv[1:])))  # noqa: T201
