"""A worker's shift: what it needs is checked and waited for, then it trains until it is to leave.

Imports torch only where the supervisor does not. Knows nothing of the command line.
"""

from __future__ import annotations

import signal
from pathlib import Path

from study import exit_codes, mirror
from study.errors import UsageError
from study.registry import RegisteredStudy, Registry
from worker import environment
from worker.arrival import await_store
from worker.data.transfer import obtain
from worker.health import Health
from worker.messages import Standby
from worker.packing.arranged import arranged
from worker.place import Place
from worker.supervisor import Supervisor
from worker.tracking.choice import check_trackers


def work(
    registry: Registry, study: RegisteredStudy, place: Place, health: Health, patience: float
) -> int:
    """Trains the study's trials; gives the exit status. SIGTERM and SIGINT are ignored afterwards.

    patience: with pictures that are not packed yet, in seconds. Raises UsageError where the place
    or the study is not as it must be.
    """
    check_trackers(study.config)
    environment.check_artifacts(place.artifacts)
    if place.mirror is not None:
        place.mirror.check("HPO_ARTIFACTS_URL")
    health.say("waits for the packed data set")
    store = _arrived(study, place, health, patience)
    health.say("makes room for trials")
    standby = Standby(
        store=store,
        artifacts=place.artifacts,
        config=study.config,
        device=place.device,
        threads=environment.threads(study.config.resources.known_slots),
    )
    with arranged(standby, health.turned) as room:
        supervisor = Supervisor(registry, study, place, room, health)
        status = supervisor.run()
        for number in (signal.SIGTERM, signal.SIGINT):
            # the interpreter gives them back to the kernel on its way out: a worker told to leave
            # while it leaves would die of it and hide its exit status
            signal.signal(number, signal.SIG_IGN)
    if status == exit_codes.USAGE:
        raise UsageError(supervisor.reason)
    return status


def _arrived(study: RegisteredStudy, place: Place, health: Health, patience: float) -> Path:
    """The packed data set, once it is here."""
    store, copies = place.data.store(study.store), mirror.of_data()
    obtain(copies, store, patience, health.turned)
    await_store(store, 0.0 if copies else patience, health.turned)
    return store
