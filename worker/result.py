"""A verb's result: one line of JSON on standard output, and in the file HPO_RESULT where it is set.

In a pod that file is /dev/termination-log, from which Kubernetes copies into the pod's status: it
is there already, cannot be renamed over, and counts up to 4096 bytes. It stays empty where a verb
fails, so that the last lines of the log are taken for the reason. Knows nothing of what is said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from study.errors import UsageError

RESULT_BYTES = 4096


def say(content: Mapping[str, object]) -> None:
    """Prints a line."""
    print(json.dumps(content), flush=True)  # noqa: T201


def check_result_file() -> None:
    """Asked before the work is done: raises UsageError where HPO_RESULT cannot be written."""
    file = os.environ.get("HPO_RESULT")
    if file:
        _write(file, "")


def say_result(content: Mapping[str, object]) -> None:
    """Prints the last line and writes it to HPO_RESULT; what is too long for that file is left
    out there, entry by entry from the end. Raises UsageError where it cannot be written."""
    say(content)
    file = os.environ.get("HPO_RESULT")
    if file:
        _write(file, _short(content))


def _short(content: Mapping[str, object]) -> str:
    entries = dict(content)
    while len(line := json.dumps(entries)) >= RESULT_BYTES:
        entries.popitem()
    return line + "\n"


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text)  # in place: it may be a mount
    except OSError as error:
        raise UsageError(f"HPO_RESULT: {file} cannot be written: {error.strerror}") from error
