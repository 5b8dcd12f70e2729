"""Optuna's tables and the ledger's beside them: made where they are missing.

Knows nothing of what stands in them; the schema is in ledger.sql.
"""

from __future__ import annotations

from optuna.storages import RDBStorage
from sqlalchemy import Engine

from study.database import pool_options
from study.statements import STATEMENTS


def open_tables(engine: Engine) -> RDBStorage:
    """Optuna's storage in the database of `engine`, once there are all tables. Raises
    ProgrammingError where the user may not make or read them."""
    with engine.connect() as connection:
        made = connection.execute(STATEMENTS["has_schema"]).scalar_one()
    if made:  # workers that start together would queue for the lock, each with a connection
        return _optuna_storage(engine)
    with engine.begin() as tx:
        tx.execute(STATEMENTS["lock_schema"])
        storage = _optuna_storage(engine)
        if not tx.execute(STATEMENTS["has_schema"]).scalar_one():
            tx.execute(STATEMENTS["schema"])
    return storage


def _optuna_storage(engine: Engine) -> RDBStorage:
    url = engine.url.render_as_string(hide_password=False)
    return RDBStorage(url, engine_kwargs=pool_options())
