"""An API server over HTTP: kmock parses requests, serves discovery and speaks HTTP; the store, and
what a real server does beside storing, are ours. It runs in a thread with its own event loop.

kmock's own emulator has no resource versions, conflicts, label selectors, dry runs, or watches that
begin at a version, end at their timeout and answer 410: those are here (store.py, watches.py).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import aiohttp.web
from kmock import KubernetesScaffold, Request, Server
from kmock import action as actions

from tests.cluster.fake.failures import Asked, Failure, Failures
from tests.cluster.fake.store import ApiError, Object, Store
from tests.cluster.fake.watches import Watches

VERBS = {
    actions.LIST: "list",
    actions.WATCH: "watch",
    actions.FETCH: "get",
    actions.CREATE: "create",
    actions.UPDATE: "patch",
    actions.DELETE: "delete",
}
TOKEN = "a-token-of-the-fake-cluster"
Answer = aiohttp.web.StreamResponse
Logs = Callable[[str, int | None], str]


class FakeApi:
    """The server. Methods without underscore may be called from any thread."""

    def __init__(self, store: Store, logs: Logs) -> None:
        self.store = store
        self.asked: list[Asked] = []
        """Every request that came, whatever became of it."""
        self.token = TOKEN
        self.on_request: Callable[[str, Asked], None] = lambda *_: None
        """Called with `before` and `after` around each request that is carried out."""
        self.url = ""
        self._logs = logs
        self._failures = Failures()
        self._watches = Watches(store)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        store.listeners.append(lambda: self._call(self._watches.wake))

    def start(self) -> None:
        """Listens, on a port of its own."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="fake API", daemon=True
        )
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        """Ends the server and its thread."""
        self.recover()
        self._call(self._watches.drop)
        self._call(self._stop.set)
        self._thread.join(10)

    def fail(self, verb: str = "*", resource: str = "*", **what: Any) -> Failure:
        """The next requests of that kind fail; see Failure."""
        failure = Failure(verb, resource, **what)
        self._failures.order(failure)
        return failure

    def recover(self) -> None:
        """Nothing fails any more."""
        self._watches.frozen = False
        for failure in self._failures.clear():
            self._call(failure.over.set)

    def drop_watches(self) -> None:
        """Breaks the connections of all watches."""
        self._call(self._watches.drop)

    def freeze_watches(self) -> None:
        """Watches send nothing any more, and do not end, until `recover`."""
        self._watches.frozen = True

    def watching(self) -> int:
        """Open watches."""
        return len(self._watches)

    def writes(self) -> list[Asked]:
        """The requests that were to change something."""
        return [asked for asked in self.asked if asked.verb in ("create", "patch", "delete")]

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        handler = _Handler(self._handle)
        async with handler, Server(handler) as server:
            self.url = str(server.url).rstrip("/")
            ready.set()
            await self._stop.wait()
        self._loop = None

    def _call(self, what: Callable[[], object]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(what)

    async def _handle(self, request: Request) -> Answer | None:
        """None for a request that is kmock's to answer."""
        verb = _verb(request)
        if verb is None or request.resource is None:
            return None
        agent = request.headers.get("User-Agent", "")
        query = tuple(request.params.items())
        if request.resource.plural:
            parts = [str(request.resource.plural), *filter(None, [request.subresource])]
            asked = Asked(verb, "/".join(parts), request.name or "", agent, query)
        elif request.namespace:  # which kmock does not take for an object
            asked = Asked(verb, "namespaces", request.namespace, agent, query)
        else:
            return None
        self.asked.append(asked)
        try:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if (scheme.lower(), token) != ("bearer", self.token):  # a pod's client writes it small
                raise ApiError(401, "Unauthorized", "Unauthorized")
            lose = await self._failures.meet(asked)
            self.on_request("before", asked)
            answer = await self._carry_out(request, asked)
            self.on_request("after", asked)
            if lose:
                raise ConnectionResetError
            return answer
        except ApiError as error:
            return _error(error)
        except ConnectionResetError:
            return _break(request)

    async def _carry_out(self, request: Request, asked: Asked) -> Answer:
        resource, name = asked.resource, asked.name
        namespace = "" if resource == "namespaces" else request.namespace or ""
        dry_run = request.params.get("dryRun") == "All"
        store = self.store
        match asked.verb:
            case "watch":
                raw = request._raw_request
                return await self._watches.serve(raw, request.params, resource, namespace)
            case "list":
                return _list(store, request, resource, namespace)
            case "get" if resource == "pods/log":
                store.get("pods", namespace, name)
                lines = request.params.get("tailLines")
                return aiohttp.web.Response(text=self._logs(name, int(lines) if lines else None))
            case "get":
                return aiohttp.web.json_response(store.get(resource, namespace, name))
            case "create" if resource == "pods/eviction":
                store.evict(namespace, name)
                return aiohttp.web.json_response({"kind": "Status", "status": "Success"})
            case "create":
                made = store.create(resource, namespace, _body(request), dry_run=dry_run)
                return aiohttp.web.json_response(made, status=201)
            case "patch":
                kind = request.headers.get("Content-Type", "")
                change = {"merge-patch": store.patch, "apply-patch": store.apply}
                wanted = [change[known] for known in change if known in kind]
                if not wanted:
                    raise ApiError(415, "UnsupportedMediaType", f"{kind} is not understood")
                done = wanted[0](resource, namespace, name, _body(request), dry_run=dry_run)
                return aiohttp.web.json_response(done)
            case _:
                gone = store.delete(resource, namespace, name, _body(request))
                return aiohttp.web.json_response(gone)


class _Handler(KubernetesScaffold):
    """kmock, asked second."""

    def __init__(self, first: Callable[[Request], Any]) -> None:
        super().__init__()
        self._first = first

    async def _handle(self, request: Request) -> Answer:
        answer: Answer | None = await self._first(request)
        return await super()._handle(request) if answer is None else answer


def _verb(request: Request) -> str | None:
    if request.method.value == "POST" and request.subresource:
        return "create"
    if request.resource is not None and not request.resource.plural and request.namespace:
        return {"GET": "get", "PATCH": "patch", "DELETE": "delete"}.get(request.method.value)
    return VERBS.get(request.action) if request.action else None


def _body(request: Request) -> Object:
    body: Object = json.loads(request.body) if request.body else {}
    return body


def _list(store: Store, request: Request, resource: str, namespace: str) -> Answer:
    with store.changed:
        items = store.list(resource, namespace, request.params.get("labelSelector", ""))
        metadata = {"resourceVersion": str(store.version)}
    return aiohttp.web.json_response({"kind": "List", "metadata": metadata, "items": items})


def _error(error: ApiError) -> aiohttp.web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "code": error.status,
    }
    after = error.retry_after
    headers = {} if after is None else {"Retry-After": str(after)}
    return aiohttp.web.json_response(body, status=error.status, headers=headers)


def _break(request: Request) -> Answer:
    """Breaks the connection without an answer."""
    raw: Any = request._raw_request
    if raw.transport is not None:
        raw.transport.abort()
    return aiohttp.web.Response(status=500)
