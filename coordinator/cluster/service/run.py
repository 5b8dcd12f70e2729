"""The coordinator in the cluster: attends to every study that is asked for, for ever.

Leads by an advisory lock of the database, so of two coordinators one acts. The cluster is only
watched; the database is asked once a second at most. Outages of either are waited for, and told.
Knows nothing of what is done for a study (attend.py).
"""

from __future__ import annotations

import logging
import time
from typing import Any

from sqlalchemy.engine import URL

from coordinator.cluster.api import Api
from coordinator.cluster.records import Phase
from coordinator.cluster.refusals import ClusterError, is_cluster_outage
from coordinator.cluster.service.attend import Attendant
from coordinator.cluster.service.carry_out import Hands
from coordinator.cluster.service.health import Health
from coordinator.cluster.service.look import Asked, look
from coordinator.cluster.service.packing import Packing
from coordinator.cluster.service.requests import Requests, request_of
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.statuses import GOING_ON, Statuses
from coordinator.cluster.service.view import View
from coordinator.leadership import Leadership
from study.database import is_outage, place
from study.errors import HpoError
from study.registry import Registry

EVERYTHING = 0  # the key of the lock on all studies; Optuna's ids begin at 1
TURN = 1.0  # seconds between two turns at least: how often the database is asked
READING = "it has yet to read what there is in the namespace"
PAUSE = 2.0  # seconds until the next turn where something is away

Object = dict[str, Any]

log = logging.getLogger(__name__)


class Service:
    """Runs until an exception ends it. Used by one thread."""

    def __init__(self, api: Api, url: URL, health: Health) -> None:
        self._api = api
        self._url = url
        self._health = health
        self._requests = Requests()
        self._view = View(api, self._requests.touched)
        self._statuses = Statuses(api)
        self._packing = Packing(api)
        self._registry: Registry | None = None
        self._leadership: Leadership | None = None
        self._hands: Hands | None = None
        self._trouble = READING

    def run(self) -> None:
        """Until KeyboardInterrupt or Terminated. Raises UsageError for a database that refuses."""
        self._view.start()
        try:
            self._await_view()
            while True:
                begun = time.monotonic()
                self._health.turned()
                self._requests.wake.clear()
                self._bear(self._turn_safely())
                longest = PAUSE if self._trouble else self._requests.patience()
                self._requests.wake.wait(longest)
                time.sleep(max(0.0, begun + min(TURN, longest) - time.monotonic()))
        finally:
            self.close()

    def _await_view(self) -> None:
        """What is not in a view that has read nothing may well be there."""
        while not self._view.read:
            self._health.turned()
            self._bear(self._view.trouble or READING)
            time.sleep(TURN / 10)

    def close(self) -> None:
        """Gives up the lead. The view ends with its connections."""
        self._view.stop()
        if self._leadership is not None:
            self._leadership.__exit__(None, None, None)
        if self._registry is not None:
            self._registry.close()

    def _bear(self, trouble: str) -> None:
        """Says what keeps it from working, once."""
        if trouble != self._trouble and trouble != READING:
            log.warning("%s", trouble or "all is well again")
        self._trouble = trouble
        self._health.say(trouble)

    def _turn_safely(self) -> str:
        """One turn; gives what keeps it from working."""
        try:
            return self._turn()
        except Exception as error:
            if is_outage(error):
                trouble = f"the database {place(self._url)} does not answer; waiting for it"
                self._tell_all(trouble)
                return trouble
            if is_cluster_outage(error):
                return str(error)
            raise

    def _turn(self) -> str:
        """Attends to the studies whose turn it is."""
        attendant = self._attendant()
        if attendant is None:
            return "another coordinator leads; waiting to take over"
        asked = self._view.requests()
        self._requests.keep(asked)
        self._statuses.keep(asked)
        self._statuses.there = self._view.maps()
        unspoken = ""
        for name in self._requests.due(asked):
            self._health.turned()
            try:
                with self._requests.looking(name):
                    phase = self._attend(attendant, name, asked[name])
            except ClusterError as error:  # nothing can be told of this study; others go on
                if is_cluster_outage(error):
                    raise
                unspoken = str(error)
                continue
            self._requests.looked(name, rests=phase not in GOING_ON)
        return self._view.trouble or unspoken

    def _attend(self, attendant: Attendant, name: str, found: Object) -> Phase:
        try:
            request = self._requests.asked(found)
        except HpoError as error:
            return attendant.refuse(name, request_of(found), error)
        return attendant.attend(request)

    def _attendant(self) -> Attendant | None:
        """Connected and leading; None where another leads. Raises DatabaseUnreachable."""
        if self._registry is None:
            self._registry = Registry(self._url)
            self._leadership = Leadership(self._registry.engine, EVERYTHING)
            self._hands = Hands(self._api, self._registry, self._statuses.begin_rollback)
        assert self._leadership is not None
        assert self._hands is not None
        if not self._leadership.held():
            self._statuses.keep(())  # they are the other one's now
            return None
        return Attendant(self._statuses, self._hands, self._look, self._health.turned)

    def _look(self, asked: Asked) -> Seen:
        assert self._registry is not None
        pods = self._view.pods(asked.name)
        return look(
            self._registry,
            asked,
            self._statuses.remembered(asked.name),
            jobs=self._view.jobs(asked.name),
            pods=pods,
            events=self._view.events(),
            packing=self._packing.progress(pods),
        )

    def _tell_all(self, trouble: str) -> None:
        """Says in the status of each study that goes on why it does not. Where the cluster does not
        answer either, nobody is told."""
        if self._hands is None:
            return
        attendant = Attendant(self._statuses, self._hands, self._look, self._health.turned)
        try:
            for name, found in self._view.requests().items():
                before = self._statuses.remembered(name).status
                if before is None or before.phase in GOING_ON:
                    attendant.tell(name, request_of(found), trouble)
        except ClusterError as error:
            log.warning("%s", error)
