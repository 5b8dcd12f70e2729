"""What the environment tells a worker, read and checked in one place.

Knows nothing of what follows from it. Where the database is, is read in study/database.py, and
where files are in study/paths.py.
"""

from __future__ import annotations

import math
import os
import secrets
import socket

from study import atomic
from study.cores import cores
from study.errors import UsageError
from study.paths import StudyPaths

PLACES = """
HPO_STORAGE_FILE or HPO_STORAGE: postgresql:// URL, in a file or given (default: embedded)

HPO_DATABASE_PATIENCE: seconds to wait for a database that is away at the start (default 15)

HPO_STUDY: name of the study

HPO_DATA: where packed data sets are (default .hpo/data)

HPO_DATA_PATIENCE: seconds to wait for the packed data set (default 60)

HPO_ARTIFACTS: where checkpoints go (default artifacts)

HPO_DATA_URL, HPO_ARTIFACTS_URL: object stores that those two folders are caches of

HPO_WORKER: this worker's name (default: made up)

HPO_DEVICE: as torch.device takes it (default auto: a GPU where there is one)

HPO_THREADS: CPU threads of a trial, or with resources.slots_per_device: auto of all that are
trained at once (default: all cores that may be used, shared out between them)

HPO_HEALTH_PORT: where /healthz and /readyz are served, 0 for any free port (default: nowhere)

HPO_RESULT: file that gets a verb's result too

HPO_LOG: least level that is logged (default INFO)
"""

DATA_PATIENCE = 60.0  # seconds
DATABASE_PATIENCE = 15.0  # seconds


def study_name() -> str:
    """HPO_STUDY. Raises UsageError."""
    name = os.environ.get("HPO_STUDY", "")
    if not name:
        raise UsageError("HPO_STUDY must name the study to train")
    return name


def worker_name() -> str:
    """HPO_WORKER, else a name that no other start has."""
    made_up = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    return os.environ.get("HPO_WORKER") or made_up


def device() -> str:
    """HPO_DEVICE, as torch.device takes it, or `auto`."""
    return os.environ.get("HPO_DEVICE") or "auto"


def threads(slots: int = 1) -> int:
    """HPO_THREADS, else of every core there is for this process what one of so many slots gets.
    Raises UsageError."""
    given = os.environ.get("HPO_THREADS", "")
    if not given:
        return max(1, cores() // slots)
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"HPO_THREADS must be a whole number above 0, got {given!r}")
    return int(given)


def data_patience() -> float:
    """HPO_DATA_PATIENCE, seconds. Raises UsageError."""
    return _seconds("HPO_DATA_PATIENCE", DATA_PATIENCE)


def database_patience() -> float:
    """HPO_DATABASE_PATIENCE, seconds. Raises UsageError."""
    return _seconds("HPO_DATABASE_PATIENCE", DATABASE_PATIENCE)


def _seconds(name: str, default: float) -> float:
    given = os.environ.get(name) or str(default)
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(f"{name} must be seconds, 0 or more, got {given!r}")
    return seconds


def health_port() -> int | None:
    """HPO_HEALTH_PORT; 0: any free one, None: none is wanted. Raises UsageError."""
    given = os.environ.get("HPO_HEALTH_PORT", "")
    if not given:
        return None
    if not given.isdecimal() or int(given) > 65535:
        raise UsageError(f"HPO_HEALTH_PORT must be a port from 0 to 65535, got {given!r}")
    return int(given)


def check_artifacts(artifacts: StudyPaths) -> None:
    """Raises UsageError where checkpoints cannot be written: before a trial is claimed for it."""
    try:
        atomic.check_writable(artifacts.root)
    except OSError as error:
        raise UsageError(
            f"HPO_ARTIFACTS: {artifacts.root} must be writable for user {os.getuid()}: "
            f"{error.strerror}: mount it read-write, for that user"
        ) from error
