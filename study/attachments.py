"""A trial's files as Optuna's artifacts: the trial's attributes name them, and optuna-dashboard and
optuna.artifacts find them there.

An artifact's id is its path below HPO_ARTIFACTS in hexadecimal: letters that dashboards take in an
URL. Files stay where they were written, nothing is stored twice, and the id alone finds a file,
here as in the object store. Knows nothing of what files show.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path

from study.paths import CONFUSION, CURVES, MISTAKES, RESULT, StudyPaths

ATTACHED = (CURVES, CONFUSION, MISTAKES, RESULT)

_PREFIX = "artifacts:"  # of Optuna's attributes
_PATH = re.compile(rf"[a-z0-9-]+/trials/\d+/(?:{'|'.join(map(re.escape, ATTACHED))})")


def attributes(place: StudyPaths, number: int, names: Iterable[str]) -> dict[str, str]:
    """Optuna system attributes that attach files of a trial's directory to it."""
    return dict(_attribute(place, place.trial(number) / name) for name in names)


def path_of(artifact_id: str) -> str | None:
    """The path below HPO_ARTIFACTS, None where the id is not one of a trial's file."""
    try:
        path = bytes.fromhex(artifact_id).decode()
    except ValueError:
        return None
    return path if _PATH.fullmatch(path) else None


def _attribute(place: StudyPaths, file: Path) -> tuple[str, str]:
    artifact_id = file.relative_to(place.root.parent).as_posix().encode().hex()
    kind, encoding = mimetypes.guess_type(file.name)
    meta = {
        "artifact_id": artifact_id,
        "filename": file.name,
        "mimetype": kind,
        "encoding": encoding,
    }
    return _PREFIX + artifact_id, json.dumps(meta)
