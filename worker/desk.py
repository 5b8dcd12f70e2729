"""What all trials of a worker share: the ledger, the patience with it, and the heart.

Knows nothing of any one trial (see account.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import optuna

from study.halving import Halving
from study.lease import Lease
from study.ledger import Ledger
from study.paths import StudyPaths
from study.registry import RegisteredStudy, Registry
from worker.health import Health
from worker.heart import Heart
from worker.leaving import Leaving
from worker.packing.room import Room
from worker.patience import Patience
from worker.place import Place


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One worker's."""

    ledger: Ledger
    patience: Patience
    heart: Heart
    optuna_study: optuna.Study
    artifacts: StudyPaths
    memory_retries: int


def opened(
    registry: Registry,
    study: RegisteredStudy,
    place: Place,
    *,
    room: Room,
    health: Health,
    leaving: Leaving,
    lost: Callable[[Lease], None],
) -> Desk:
    """The desk of a worker at `place`; its heart beats until it is ended. `lost` is called from the
    heart's thread when the ledger says that a lease is over."""
    config = study.config
    ledger = Ledger(registry.engine, study.study_id, place.worker, Halving.of(config.search))
    return Desk(
        ledger=ledger,
        patience=Patience(leaving.begun, ledger.outage_over, health.turned),
        heart=Heart(
            ledger,
            lease_seconds=config.resources.lease_seconds,
            share=lambda: room.share,
            lost=lost,
        ),
        optuna_study=registry.optuna_study(study),
        artifacts=place.artifacts,
        memory_retries=config.resources.out_of_memory_retries,
    )
