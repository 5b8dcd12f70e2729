"""What a promoted version says of itself, and whether its files are as they were written.

Read by both sides: the coordinator writes versions, the worker uses them. Knows nothing of which
version is in use nor of what its files hold.
"""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from study import paths
from study.config.nearest import hint, nearest
from study.errors import CheckpointCorrupt, UsageError, one_line
from study.paths import MANIFEST

SHOWN = 12  # digits of a checksum in a message


class PromotedRecord(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PromotedFile(PromotedRecord):
    """One file of a version."""

    sha256: str
    bytes: int


class PromotedManifest(PromotedRecord):
    """What a version is. Written last: a directory without it is no version."""

    study: str
    version: int
    trial: int
    store: str
    """Content of the packed data set that it was trained on."""
    candidates: tuple[int, ...]
    """Trials that were measured again, the best by their objective first."""
    created: str
    """ISO 8601, UTC."""
    files: dict[str, PromotedFile]


def find_promoted(study_or_folder: str) -> Path:
    """The version in use of a study of that name; anything with a `/` is a version's folder.

    Raises UsageError where there is none here, with what there is.
    """
    if "/" in study_or_folder or study_or_folder in (".", ".."):
        folder = Path(study_or_folder)
        if not (folder / MANIFEST).is_file():
            raise UsageError(one_line(f"{folder}: no promoted model: no {MANIFEST} in it"))
        return folder.resolve()
    latest = paths.artifacts(study_or_folder).latest
    if not latest.is_dir():
        here = latest.parents[2]
        names = sorted(found.parents[1].name for found in here.glob("*/promoted/latest"))
        raise UsageError(
            one_line(
                f"{here}: no promoted model of a study {study_or_folder!r}"
                + (hint(study_or_folder, names) or f"; give a version's folder, with a {MANIFEST}")
                + ("" if nearest(study_or_folder, names) else _copied(study_or_folder))
            )
        )
    return latest.resolve()


def _copied(study: str) -> str:
    """How the model of a cluster comes here; its coordinator has the volume with /artifacts."""
    place = shlex.quote(f"/artifacts/{study}/promoted")
    return (
        "; of a cluster: kubectl exec deployment/coordinator -- "
        f"tar -chf - -C {place} latest | tar -xf -, and give ./latest"
    )


def describe_file(file: Path) -> PromotedFile:
    """Reads it once, whole."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return PromotedFile(sha256=digest, bytes=file.stat().st_size)


def read_promoted(directory: Path) -> PromotedManifest:
    """A version's manifest. Raises CheckpointCorrupt where there is none that can be read."""
    try:
        return PromotedManifest.model_validate_json((directory / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointCorrupt(f"{directory}: not a promoted model: {error}") from error


def verify(directory: Path) -> PromotedManifest:
    """The manifest of a version all of whose files are as they were written. Raises
    CheckpointCorrupt, naming those that are not, with both checksums."""
    manifest = read_promoted(directory)
    wrong = []
    for name, expected in manifest.files.items():
        file = directory / name
        if not file.is_file():
            wrong.append(f"{name} is missing")
        elif (found := describe_file(file)) != expected:
            wrong.append(
                f"{name} does not match its checksum: the manifest has "
                f"{expected.sha256[:SHOWN]}, the file {found.sha256[:SHOWN]}"
            )
    if wrong:
        raise CheckpointCorrupt(f"{directory}: {', '.join(wrong)}")
    return manifest
