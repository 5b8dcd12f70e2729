"""The study a worker is there for, opened once its database answers.

Knows nothing of what the worker does with it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from study.database import is_outage
from study.opening import open_registry
from study.registry import RegisteredStudy, Registry
from study.told import reason
from worker import environment

CONNECT_PAUSE = 0.5  # seconds between two tries

log = logging.getLogger(__name__)


def open_study(turned: Callable[[], None] = lambda: None) -> tuple[Registry, RegisteredStudy]:
    """The database and the study in it. A database that is away is waited for: a worker that
    starts then is as good as any. `turned` is called after every try. Raises UsageError."""
    name, patience = environment.study_name(), environment.database_patience()
    deadline = time.monotonic() + patience
    registry, tries = None, 0
    while True:
        try:
            registry = registry or open_registry()[0]
            return registry, registry.find(name)
        except Exception as error:
            if not is_outage(error) or time.monotonic() > deadline:
                raise
            tries += 1
            if tries == 1:
                log.warning("waiting up to %.0f s: %s", patience, reason(error))
            turned()
            time.sleep(CONNECT_PAUSE)
