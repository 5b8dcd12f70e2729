"""Watches: streams of events from a version on, with bookmarks, 410 and an end.

Runs in the server's loop. Knows nothing of who watches.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp.web

from tests.cluster.fake.store import Event, Object, Store, matches

BOOKMARK_PERIOD = 0.5  # seconds; a real server sends one a minute


class Watches:
    """All open watches of a server."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._streams: set[asyncio.Task[None]] = set()
        self._wakers: set[asyncio.Event] = set()
        self.frozen = False
        """Nothing is sent any more and nothing ends: half-open connections."""

    def __len__(self) -> int:
        return len(self._streams)

    def wake(self) -> None:
        """Something was written."""
        for waker in self._wakers:
            waker.set()

    def drop(self) -> None:
        """Breaks the connections of all watches."""
        for stream in list(self._streams):
            stream.cancel()

    async def serve(
        self, raw: Any, query: Mapping[str, str], resource: str, namespace: str
    ) -> aiohttp.web.StreamResponse:
        """One watch, until its timeout. Raises ConnectionResetError where it was dropped."""
        response = aiohttp.web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(raw)
        stream = asyncio.create_task(self._stream(response, query, resource, namespace))
        self._streams.add(stream)
        limit = float(query.get("timeoutSeconds", 1800))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(stream, limit)
            while self.frozen:
                await asyncio.sleep(0.1)
            await response.write_eof()
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise ConnectionResetError from None
        finally:
            self._streams.discard(stream)
            stream.cancel()
            stream.add_done_callback(_forgive)
        return response

    async def _stream(
        self,
        response: aiohttp.web.StreamResponse,
        query: Mapping[str, str],
        resource: str,
        namespace: str,
    ) -> None:
        since = int(query.get("resourceVersion") or self._store.version)
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            while True:
                waker.clear()
                frozen = self.frozen
                version, expired, new = self._store.since(since)
                if expired:
                    await response.write(_line("ERROR", GONE))
                    return
                for event in [] if frozen else new:
                    line = _seen(event, resource, namespace, query.get("labelSelector", ""))
                    if line:
                        await response.write(line)
                    since = event.version
                try:
                    await asyncio.wait_for(waker.wait(), BOOKMARK_PERIOD)
                except TimeoutError:
                    if query.get("allowWatchBookmarks") == "true" and not frozen:
                        mark = {"metadata": {"resourceVersion": str(version)}}
                        await response.write(_line("BOOKMARK", mark))
                        since = max(since, version)
        finally:
            self._wakers.discard(waker)


GONE: Object = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "too old resource version",
    "reason": "Expired",
    "code": 410,
}


def _forgive(stream: asyncio.Task[None]) -> None:
    """Who watched may hang up."""
    if not stream.cancelled():
        stream.exception()


def _seen(event: Event, resource: str, namespace: str, selector: str) -> bytes:
    """The line of a watch; empty for an event that is none of its business. An object that comes
    to match is added, one that no longer does is deleted."""
    if event.key[0] != resource or namespace not in ("", event.key[1]):
        return b""
    before = event.before is not None and _selected(selector, event.before)
    after = event.type != "DELETED" and _selected(selector, event.object)
    if not before and not after:
        return b""
    kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    return _line(kind, event.object)


def _selected(selector: str, found: Object) -> bool:
    return matches(selector, found["metadata"].get("labels") or {})


def _line(kind: str, content: Object) -> bytes:
    return json.dumps({"type": kind, "object": content}).encode() + b"\n"
