"""Which of several coordinators of a study acts: the one whose session holds an advisory lock.

The server gives the lock up when the session ends, however that happens; a coordinator that only
watches tries again at every step and takes over. Knows nothing of what a coordinator does.
"""

from __future__ import annotations

from types import TracebackType

from sqlalchemy import Connection, Engine, text

SPACE = 7305442  # of advisory locks; the other half of the key is the study's id

TRY = text("SELECT pg_try_advisory_lock(:space, :study_id)")
PING = text("SELECT 1")


class Leadership:
    """A claim to lead one study. Used by one thread; a context manager that gives the lock up."""

    def __init__(self, engine: Engine, study_id: int) -> None:
        self._engine = engine
        self._key = {"space": SPACE, "study_id": study_id}
        self._session: Connection | None = None

    def held(self) -> bool:
        """Whether we lead, trying to where nobody does. Raises OperationalError in an outage, after
        which another may lead."""
        try:
            if self._session is not None:
                self._session.execute(PING)  # a broken session has lost the lock
                return True
            session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._session = session
            if session.execute(TRY, self._key).scalar_one():
                return True
        except BaseException:
            self._drop()
            raise
        self._drop()
        return False

    def __enter__(self) -> Leadership:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def _drop(self) -> None:
        """Closes the session itself, and not only its place in the pool: the lock goes with it."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()
