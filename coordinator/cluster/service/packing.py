"""How far the preparation of a study's pictures is: the last line its pod printed.

Asked of the cluster every 5 s at most, and only while it runs. Knows nothing of what is packed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.records import ROLE
from coordinator.cluster.refusals import ClusterError

PERIOD = 5.0  # seconds

log = logging.getLogger(__name__)


class Packing:
    """Of all studies. Used by one thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._read: dict[str, tuple[float, str]] = {}  # by pod: monotonic seconds, words

    def progress(self, pods: Iterable[Mapping[str, Any]]) -> str:
        """In words; empty while none of the pods packs."""
        for pod in pods:
            metadata, status = pod["metadata"], pod.get("status") or {}
            if metadata["labels"].get(ROLE) == "prepare" and status.get("phase") == "Running":
                return self._progress(metadata["name"])
        return ""

    def _progress(self, pod: str) -> str:
        now = time.monotonic()
        at, words = self._read.get(pod, (float("-inf"), ""))
        if now >= at + PERIOD:
            words = _words(self._last_line(pod))
            self._read = {pod: (now, words)}
        return words

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
