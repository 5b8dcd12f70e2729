"""Keeps a worker's leases alive: one thread that beats for every trial held.

The thread never ends a trial for want of a database: it beats again when the database is back. Only
the ledger's word that a lease is over ends one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from study.database import is_outage
from study.errors import LeaseLost
from study.lease import Lease
from study.ledger import Ledger

BEATS_PER_LEASE = 3  # two may be lost
RETRY_SECONDS = 1.0
END_SECONDS = 5.0  # a beat that a hanging database has swallowed is not waited for

log = logging.getLogger(__name__)


class Heart:
    """Beats for the leases it is given. Safe to use from several threads."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        lease_seconds: float,
        share: Callable[[], float],
        lost: Callable[[Lease], None],
    ) -> None:
        """`share` gives the part of a device one trial has; `lost` is called, from the heart's
        thread, when the ledger says that a lease is over."""
        self._ledger = ledger
        self._period = lease_seconds / BEATS_PER_LEASE
        self._share = share
        self._lost = lost
        # With the time up to which its device seconds are booked; None: it computes no more.
        self._leases: dict[int, tuple[Lease, float | None]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)
        self._thread.start()

    def hold(self, lease: Lease) -> None:
        """Begins to beat for `lease`, which has just been claimed."""
        with self._lock:
            self._leases[lease.trial_id] = (lease, time.monotonic())

    def rest(self, lease: Lease) -> float:
        """Beats on for `lease`, but books no more; gives the device seconds not booked yet."""
        with self._lock:
            if not self._holds(lease):
                return 0.0
            _, booked = self._leases[lease.trial_id]
            self._leases[lease.trial_id] = (lease, None)
        return self._seconds(booked, time.monotonic())

    def drop(self, lease: Lease) -> float:
        """Beats no more for `lease`; gives the device seconds not booked yet. A later lease of its
        trial is kept: a paused trial may be promoted before its process has ended."""
        with self._lock:
            if not self._holds(lease):
                return 0.0
            _, booked = self._leases.pop(lease.trial_id)
        return self._seconds(booked, time.monotonic())

    def end(self) -> None:
        """Stops the thread."""
        self._ended.set()
        self._thread.join(END_SECONDS)

    def _beat_on(self) -> None:
        pause = self._period
        while not self._ended.wait(pause):
            with self._lock:
                held = list(self._leases.values())
            answers = [self._beat(*each) for each in held]
            pause = self._period if all(answers) else RETRY_SECONDS

    def _beat(self, lease: Lease, booked: float | None) -> bool:
        """Gives whether the database answered."""
        now = time.monotonic()
        try:
            self._ledger.heartbeat(lease, self._seconds(booked, now))
        except LeaseLost:
            with self._lock:
                still_held = self._holds(lease)
                if still_held:  # else the trial ended while this beat was on its way
                    del self._leases[lease.trial_id]
            if still_held:
                self._lost(lease)
            return True
        except Exception as error:
            if is_outage(error):
                log.warning("trial %d: no heartbeat, the database does not answer", lease.number)
            else:  # a thread that ended here would cost every trial its lease
                log.exception("trial %d: no heartbeat", lease.number)
            return False
        with self._lock:
            if self._holds(lease) and self._leases[lease.trial_id][1] is not None:
                self._leases[lease.trial_id] = (lease, now)
        return True

    def _seconds(self, booked: float | None, now: float) -> float:
        """Of the device, to be booked at `now`."""
        return 0.0 if booked is None else (now - booked) * self._share()

    def _holds(self, lease: Lease) -> bool:
        """Whether this very lease is held, and not a later one of its trial. Called locked."""
        held = self._leases.get(lease.trial_id)
        return held is not None and held[0] is lease
