"""Which studies there are and what each was asked to do: created once, continued, refused when a
name comes back with another configuration.

Knows nothing of trials (see ledger.py) and of which database it is (see opening.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import optuna
from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from study.config.identity import differences
from study.config.records import StudyConfig
from study.database import connect, place
from study.errors import StudyExists, StudyNotFound, UsageError
from study.sampling import build_pruner, build_sampler
from study.statements import STATEMENTS
from study.tables import open_tables

REMEMBERED = 63  # best trials, of as many studies


@dataclass(frozen=True, kw_only=True)
class RegisteredStudy:
    """A study as the database has it."""

    study_id: int
    name: str
    config: StudyConfig
    store: str
    """Content of the packed data set it trains on."""
    stopped: bool
    workers: int
    """Workers wanted."""


class Registry:
    """All studies of one database. Safe to use from several threads."""

    def __init__(self, url: URL) -> None:
        """Connects and makes the tables where they are missing. Raises DatabaseUnreachable, and
        UsageError where the user may not."""
        self.url = url
        self._ended: dict[int, optuna.trial.FrozenTrial] = {}
        self.engine: Engine = connect(url)
        try:
            self.storage = open_tables(self.engine)
        except ProgrammingError as error:
            self.engine.dispose()
            reason = str(error.orig).splitlines()[0]
            raise UsageError(
                f"database {place(url)}: its tables cannot be made or read: {reason}"
            ) from error

    def check(self, config: StudyConfig) -> None:
        """Raises StudyExists if the name belongs to another configuration: asked before the data
        set is packed, which takes a while."""
        existing = self._find(config.name)
        if existing is not None:
            self._check_same(existing, config, existing.store)

    def create(self, config: StudyConfig, *, store: str, workers: int) -> RegisteredStudy:
        """Creates the study, or continues the one of that name. Raises StudyExists if the name
        belongs to another configuration or data set."""
        existing = self._find(config.name)
        if existing is not None:
            self._check_same(existing, config, store)
            self.resume(config, workers=workers)
        else:
            self._create(config, store, workers)
        return self.find(config.name)

    def find(self, name: str) -> RegisteredStudy:
        """Reads a study. Raises StudyNotFound, naming those there are."""
        found = self._find(name)
        if found is None:
            names = ", ".join(self.names()) or "none"
            raise StudyNotFound(f"there is no study {name!r} in the database; there are: {names}")
        return found

    def names(self) -> list[str]:
        """All studies, in order."""
        with self.engine.connect() as connection:
            return list(connection.execute(STATEMENTS["list_studies"]).scalars())

    def resume(self, config: StudyConfig, *, workers: int) -> None:
        """Lets a stopped study go on, with the budget and resources of `config`."""
        study = self.find(config.name)
        with self.engine.begin() as tx:
            asked = {"study_id": study.study_id, "workers": workers, **_stored(config)}
            tx.execute(STATEMENTS["reopen"], asked)
            tx.execute(STATEMENTS["continue_study"], asked)

    def scale(self, name: str, workers: int) -> None:
        """Sets the number of workers wanted."""
        study = self.find(name)
        with self.engine.begin() as tx:
            tx.execute(STATEMENTS["set_workers"], {"study_id": study.study_id, "workers": workers})

    def stop(self, name: str) -> None:
        """No worker gets another trial until the study is resumed."""
        study = self.find(name)
        with self.engine.begin() as tx:
            tx.execute(STATEMENTS["set_stopped"], {"study_id": study.study_id})

    def optuna_study(self, study: RegisteredStudy, *, trial: int = 0) -> optuna.Study:
        """The study as Optuna sees it, with a sampler whose random stream belongs to the trial of
        that number."""
        search = study.config.search
        return optuna.load_study(
            study_name=study.name,
            storage=self.storage,
            sampler=build_sampler(search.sampler, trial=trial),
            pruner=build_pruner(search.pruner, epochs=study.config.training.total_epochs),
        )

    def ended_trial(self, trial_id: int) -> optuna.trial.FrozenTrial:
        """A trial that will not change any more; the last ones asked for are remembered."""
        known = self._ended.get(trial_id)
        if known is None:
            known = self.storage.get_trial(trial_id)
            self._ended = {**dict(list(self._ended.items())[-REMEMBERED:]), trial_id: known}
        return known

    def close(self) -> None:
        """Closes all connections."""
        self.storage.remove_session()
        self.storage.engine.dispose()
        self.engine.dispose()

    def _find(self, name: str) -> RegisteredStudy | None:
        with self.engine.connect() as connection:
            row = connection.execute(STATEMENTS["find_study"], {"name": name}).one_or_none()
        if row is None:
            return None
        return RegisteredStudy(
            study_id=row.study_id,
            name=name,
            config=StudyConfig.model_validate_json(row.config),
            store=row.store,
            stopped=row.stopped,
            workers=row.workers,
        )

    def _create(self, config: StudyConfig, store: str, workers: int) -> None:
        """Every step may be repeated after a kill: the ledger's row comes last."""
        study = optuna.create_study(
            study_name=config.name,
            storage=self.storage,
            directions=config.search.directions,
            load_if_exists=True,
        )
        known = study.get_trials(deepcopy=False)
        if any(trial.state != optuna.trial.TrialState.WAITING for trial in known):
            raise StudyExists(
                f"the database has a study {config.name!r} that was not made here; "
                "choose another name"
            )
        for point in config.search.warm_start:
            study.enqueue_trial(dict(point), skip_if_exists=True)
        with self.engine.begin() as tx:
            tx.execute(
                STATEMENTS["register"],
                {
                    "study_id": study._study_id,
                    "store": store,
                    "workers": workers,
                    **_stored(config),
                },
            )

    def _check_same(self, existing: RegisteredStudy, config: StudyConfig, store: str) -> None:
        changes = differences(existing.config, config)
        if existing.store != store:
            changes.append(f"pictures: {existing.store[:12]} there, {store[:12]} here")
        if changes:
            raise StudyExists(
                f"study {config.name!r} exists with another configuration ({'; '.join(changes)}); "
                f"go on with the old one by `make resume STUDY={config.name}`, or give this one "
                "another name with name=..."
            )


def _stored(config: StudyConfig) -> dict[str, Any]:
    """The columns of ledger.study that follow from a configuration."""
    budget = config.search.budget
    return {
        "config": config.model_dump_json(),
        "trials": budget.trials,
        "device_seconds": None if budget.gpu_hours is None else budget.gpu_hours * 3600,
        "wall_seconds": None if budget.hours is None else budget.hours * 3600,
        "lease_seconds": config.resources.lease_seconds,
        "max_attempts": config.resources.max_attempts,
    }
