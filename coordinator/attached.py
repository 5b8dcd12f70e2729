"""Files of trials for optuna-dashboard, and what people upload there.

Knows nothing of screens and of who may see what (see gate.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound

from study.attachments import path_of
from study.errors import ObjectStoreAway
from study.mirror import Mirror, fetch_missing
from study.paths import UPLOADS


class AttachedFiles:
    """An artifact store as Optuna's protocol has it: a trial's file where it was written, and in
    the folder UPLOADS what a person adds to a writable dashboard. Safe to use from several
    threads."""

    def __init__(self, root: Path, mirror: Mirror | None) -> None:
        """root: HPO_ARTIFACTS. mirror: of it; a file that is not here comes from there."""
        self._root = root
        self._mirror = mirror

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Raises ArtifactNotFound."""
        path = path_of(artifact_id)
        if path is None:
            return self._uploads().open_reader(artifact_id)
        file = self._root / path
        try:
            fetch_missing(self._mirror, file)
            return file.open("rb")
        except (OSError, ObjectStoreAway) as error:
            raise ArtifactNotFound(f"{file}: {error}") from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keeps what a person adds."""
        folder = self._root / UPLOADS
        folder.mkdir(parents=True, exist_ok=True)
        self._uploads().write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        """Raises ArtifactNotFound."""
        path = path_of(artifact_id)
        if path is None:
            self._uploads().remove(artifact_id)
            return
        file = self._root / path
        if self._mirror is not None:
            self._mirror.remove([file])
        file.unlink(missing_ok=True)

    def _uploads(self) -> FileSystemArtifactStore:
        return FileSystemArtifactStore(str(self._root / UPLOADS))
