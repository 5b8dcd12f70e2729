"""What etcd and the API server's storage layer are to a cluster: objects with resource versions,
and the events that follow from every write.

Used by many threads. Knows nothing of HTTP (api_server.py) nor of what objects mean.
"""

from __future__ import annotations

import copy
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str]  # resource (plural), namespace, name

FOLLOWED = ("Background", "Foreground")  # deletions that take dependents with them
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of generated names, Kubernetes' own


class ApiError(Exception):
    """An answer that is not 2xx, as Kubernetes words it."""

    def __init__(
        self, status: int, reason: str, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Event:
    """One write."""

    version: int
    type: str
    """ADDED, MODIFIED or DELETED."""
    key: Key
    object: Object
    before: Object | None


class Store:
    """All objects. What it gives out is a copy; what it is given is copied."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.events: list[Event] = []
        self.compacted = 0
        """Watches from before this version get 410."""
        self.version = 100
        self._objects: dict[Key, Object] = {}
        self.orphaned: list[str] = []
        """Jobs that were deleted without their pods: never meant."""
        self.checks: dict[str, tuple[Callable[[Object], None], Callable[[Object, Object], None]]]
        self.checks = {}
        """By resource: what refuses a new object, and a change of one. They raise ApiError."""
        self.listeners: list[Callable[[], None]] = []
        """Called after every write, under the lock."""

    def get(self, resource: str, namespace: str, name: str) -> Object:
        """Raises ApiError 404."""
        with self.changed:
            return copy.deepcopy(self._find((resource, namespace, name)))

    def list(self, resource: str, namespace: str = "", selector: str = "") -> list[Object]:
        """Those whose labels match, in the order of their names. namespace: empty for all."""
        with self.changed:
            return [
                copy.deepcopy(found)
                for key, found in sorted(self._objects.items())
                if key[0] == resource
                and namespace in ("", key[1])
                and matches(selector, found["metadata"].get("labels") or {})
            ]

    def create(
        self, resource: str, namespace: str, new: Object, *, dry_run: bool = False
    ) -> Object:
        """Raises ApiError 409 where it exists."""
        new = copy.deepcopy(new)
        metadata = new.setdefault("metadata", {})
        if "name" not in metadata:
            metadata["name"] = metadata.get("generateName", "") + generated()
        key = (resource, namespace, metadata["name"])
        with self.changed:
            if key in self._objects:
                text = f'{resource} "{key[2]}" already exists'
                raise ApiError(409, "AlreadyExists", text)
            metadata |= {
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": now(),
                "generation": 1,
            }
            metadata.pop("resourceVersion", None)
            if resource in self.checks:
                self.checks[resource][0](new)
            return new if dry_run else self._write("ADDED", key, new)

    def patch(
        self,
        resource: str,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        dry_run: bool = False,
    ) -> Object:
        """JSON merge patch (RFC 7386). Raises ApiError 404, and 409 for a stale resourceVersion."""
        key = (resource, namespace, name)
        with self.changed:
            old = self._find(key)
            given = (patch.get("metadata") or {}).get("resourceVersion")
            if given not in (None, old["metadata"]["resourceVersion"]):
                text = f'Operation cannot be fulfilled on {resource} "{name}": the object has been'
                raise ApiError(409, "Conflict", f"{text} modified; please apply your changes again")
            new = merged(old, patch)
            new["metadata"] |= {k: old["metadata"][k] for k in ("uid", "resourceVersion", "name")}
            if new == old:
                return copy.deepcopy(old)
            if resource in self.checks:
                self.checks[resource][1](old, new)
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
            return new if dry_run else self._write("MODIFIED", key, new)

    def apply(
        self,
        resource: str,
        namespace: str,
        name: str,
        wanted: Object,
        *,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply of a manager who owns all that it says; lists are replaced."""
        with self.changed:
            if (resource, namespace, name) in self._objects:
                return self.patch(resource, namespace, name, wanted, dry_run=dry_run)
            return self.create(resource, namespace, wanted, dry_run=dry_run)

    def update(
        self, resource: str, namespace: str, name: str, change: Callable[[Object], None]
    ) -> None:
        """Changes an object in place, as controllers do; nothing happens where it is gone."""
        key = (resource, namespace, name)
        with self.changed:
            if key in self._objects:
                new = copy.deepcopy(self._objects[key])
                change(new)
                if new != self._objects[key]:
                    self._write("MODIFIED", key, new)

    def remove(self, resource: str, namespace: str, name: str) -> Object:
        """Takes it out of the store. Raises ApiError 404."""
        key = (resource, namespace, name)
        with self.changed:
            return self._write("DELETED", key, copy.deepcopy(self._find(key)))

    def delete(
        self, resource: str, namespace: str, name: str, options: Mapping[str, Any]
    ) -> Object:
        """As a person or a controller deletes: a pod is only marked, and ended by the kubelet.
        Raises ApiError 404, and 409 for another uid than the precondition's."""
        with self.changed:
            found = self._find((resource, namespace, name))
            wanted = (options.get("preconditions") or {}).get("uid")
            if wanted not in (None, found["metadata"]["uid"]):
                raise ApiError(409, "Conflict", f"{resource} {name}: not the UID precondition")
            if resource == "pods":
                self.terminate(namespace, name, options.get("gracePeriodSeconds"))
                return self.get(resource, namespace, name)
            if resource == "jobs" and options.get("propagationPolicy") not in FOLLOWED:
                self.orphaned.append(name)
            return self.remove(resource, namespace, name)

    def terminate(self, namespace: str, name: str, grace: float | None = None) -> None:
        """Marks a pod as deleted."""

        def mark(pod: Object) -> None:
            seconds = pod["spec"].get("terminationGracePeriodSeconds", 30)
            pod["metadata"].setdefault("deletionTimestamp", now())
            pod["metadata"]["deletionGracePeriodSeconds"] = seconds if grace is None else grace

        self.update("pods", namespace, name, mark)

    def evict(self, namespace: str, name: str) -> None:
        """As `kubectl drain` does it. Raises ApiError 404."""
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        }
        self.get("pods", namespace, name)
        self.update(
            "pods",
            namespace,
            name,
            lambda pod: pod["status"].setdefault("conditions", []).append(condition),
        )
        self.terminate(namespace, name)

    def since(self, version: int) -> tuple[int, bool, Sequence[Event]]:
        """The newest version, whether `version` is too old to go on from, and what came after."""
        with self.changed:
            new = [event for event in self.events[-200:] if event.version > version]
            if len(new) == 200:
                new = [event for event in self.events if event.version > version]
            return self.version, version < self.compacted, new

    def compact(self) -> None:
        """Forgets the past, as etcd does after five minutes: who watches from there gets 410."""
        with self.changed:
            self.version += 1
            self.compacted = self.version
            self.events.clear()
            self._tell()

    def _find(self, key: Key) -> Object:
        if key not in self._objects:
            raise ApiError(404, "NotFound", f'{key[0]} "{key[2]}" not found')
        return self._objects[key]

    def _write(self, kind: str, key: Key, new: Object) -> Object:
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        before = self._objects.get(key)
        if kind == "DELETED":
            del self._objects[key]
        else:
            self._objects[key] = new
        self.events.append(Event(self.version, kind, key, copy.deepcopy(new), before))
        self._tell()
        return copy.deepcopy(new)

    def _tell(self) -> None:
        self.changed.notify_all()
        for listener in self.listeners:
            listener()


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy a selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a`, `!a`."""
    return all(_matches(term.strip(), labels) for term in _terms(selector))


def merged(old: Any, patch: Any) -> Any:
    """A JSON merge patch applied; shares nothing with its arguments."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = copy.deepcopy(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def generated() -> str:
    """The end of a generated name."""
    return "".join(secrets.choice(ALPHABET) for _ in range(5))


def now() -> str:
    """RFC 3339, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _terms(selector: str) -> list[str]:
    """Split at the commas outside parentheses."""
    terms, depth = [""], 0
    for letter in selector:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            terms.append("")
        else:
            terms[-1] += letter
    return [term for term in terms if term.strip()]


def _matches(term: str, labels: Mapping[str, str]) -> bool:
    if " in " in term:
        name, _, values = term.partition(" in ")
        return labels.get(name.strip()) in [v.strip() for v in values.strip(" ()").split(",")]
    if "!=" in term:
        name, _, value = term.partition("!=")
        return labels.get(name.strip()) != value.strip()
    if "=" in term:
        name, _, value = term.partition("=")
        return labels.get(name.strip()) == value.strip(" =")
    return term[1:] not in labels if term.startswith("!") else term in labels
