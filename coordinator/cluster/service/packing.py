"""How far the preparation of a study's pictures is: the last line its pod printed.

Asked of the cluster every 5 s at most, however many are prepared at once, and only while one is.
Knows nothing of what is packed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.records import ROLE
from coordinator.cluster.refusals import ClusterError

PERIOD = 5.0  # seconds between two questions
FORGOTTEN = 15.0  # seconds since a pod was seen

log = logging.getLogger(__name__)


@dataclass
class _Told:
    """What a pod said last. Times in monotonic seconds."""

    words: str = ""
    asked: float = float("-inf")
    seen: float = 0.0


class Packing:
    """Of all studies. Used by one thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._told: dict[str, _Told] = {}  # by pod

    def progress(self, pods: Iterable[Mapping[str, Any]]) -> str:
        """In words; empty while none of the pods packs."""
        for pod in pods:
            metadata, status = pod["metadata"], pod.get("status") or {}
            if metadata["labels"].get(ROLE) == "prepare" and status.get("phase") == "Running":
                return self._progress(metadata["name"])
        return ""

    def _progress(self, pod: str) -> str:
        now = time.monotonic()
        told = {name: each for name, each in self._told.items() if now < each.seen + FORGOTTEN}
        mine = told.setdefault(pod, _Told())
        mine.seen, self._told = now, told
        longest = min(each.asked for each in told.values())
        newest = max(each.asked for each in told.values())
        if mine.asked == longest and now >= newest + PERIOD:
            mine.asked, mine.words = now, _words(self._last_line(pod))
        return mine.words

    def _last_line(self, pod: str) -> str:
        try:
            return self._api.log(pod, 1).strip()
        except ClusterError as error:  # it is only told to a person
            log.info("%s", error)
            return ""


def _words(line: str) -> str:
    try:
        said = json.loads(line)
        return f"packing the pictures: {said['done']:,} of {said['total']:,}"
    except (ValueError, KeyError, TypeError):
        return "packing the pictures"
