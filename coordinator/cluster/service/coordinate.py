"""`hpo coordinate`: the process around the service: where cluster and database are, its log, its
probes, and leaving at once when it is told to.

Knows nothing of studies (service.py).
"""

from __future__ import annotations

import gc
import logging
import os

import optuna

from coordinator.cluster.api import Api
from coordinator.cluster.connection import connect
from coordinator.cluster.service.health import Health
from coordinator.cluster.service.run import Service
from coordinator.interrupt import INTERRUPTS
from study.database import database_url
from study.errors import UsageError
from study.log import set_up_logging
from study.probes import served

PORT = 8081  # of the probes


def coordinate() -> None:
    """Runs until SIGTERM or Ctrl-C, then leaves with 0: studies go on without it. Raises UsageError
    where it has no cluster or no database to work with."""
    set_up_logging()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = database_url()
    if url is None:
        raise UsageError("HPO_STORAGE_FILE must name the file with the database's URL")
    health = Health()
    service = Service(Api(connect()), url, health)
    gc.freeze()  # what was imported stays; the collector need not look at it again
    with served(health, _port()):
        try:
            service.run()
        except INTERRUPTS:
            logging.getLogger(__name__).info("told to leave")


def _port() -> int:
    given = os.environ.get("HPO_HEALTH_PORT", str(PORT))
    if not given.isdecimal() or int(given) > 65535:
        raise UsageError(f"HPO_HEALTH_PORT must be a port, got {given!r}")
    return int(given)
