"""What the service sees of the cluster: copies of the objects of all studies, and of events.

Knows nothing of what they mean (see look.py).
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator.cluster.api import Api, Object
from coordinator.cluster.records import ROLE, STUDY, name_of
from coordinator.cluster.service.mirror import Mirror


class View:
    """Of one namespace. Started once; read by any thread."""

    def __init__(self, api: Api, changed: Callable[[Object], None]) -> None:
        """changed: called by other threads with every object of a study that came, changed or
        went."""
        self._maps = Mirror(api, "configmaps", STUDY, changed)
        self._jobs = Mirror(api, "jobs", STUDY, changed)
        self._pods = Mirror(api, "pods", STUDY, changed)
        self._events = Mirror(api, "events", "", lambda _: None)
        self._mirrors = (self._maps, self._jobs, self._pods, self._events)

    def start(self) -> None:
        """Begins to watch."""
        for mirror in self._mirrors:
            mirror.start()

    def stop(self) -> None:
        """Ends each watch when its connection next says something."""
        for mirror in self._mirrors:
            mirror.stop()

    @property
    def read(self) -> bool:
        """Whether everything was read once: what is not seen is not there."""
        return all(mirror.read for mirror in self._mirrors)

    @property
    def trouble(self) -> str:
        """Why what is seen may be old, in one line; empty while nothing went wrong."""
        return next((mirror.trouble for mirror in self._mirrors if mirror.trouble), "")

    def requests(self) -> dict[str, Object]:
        """By study. A copy under another name is nobody's."""
        found = {each["metadata"]["name"]: each for each in self._maps.objects()}
        asked = {each["metadata"]["labels"][STUDY]: each for each in found.values()}
        return {
            study: found[name]
            for study in asked
            if (name := name_of("request", study)) in found
            and found[name]["metadata"]["labels"].items() >= {STUDY: study, ROLE: "request"}.items()
        }

    def maps(self) -> set[str]:
        """Names of the ConfigMaps of all studies."""
        return {found["metadata"]["name"] for found in self._maps.objects()}

    def jobs(self, study: str) -> list[Object]:
        """Of a study."""
        return _of_study(self._jobs, study)

    def pods(self, study: str) -> list[Object]:
        """Of a study."""
        return _of_study(self._pods, study)

    def events(self) -> list[Object]:
        """Of the namespace."""
        return self._events.objects()


def _of_study(mirror: Mirror, study: str) -> list[Object]:
    return [each for each in mirror.objects() if each["metadata"]["labels"].get(STUDY) == study]
