"""The Secrets that pods mount, made with random content where they are missing.

Knows nothing of who reads them. Their content is in no log and no manifest.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coordinator.cluster.records import LABELS

Object = dict[str, Any]

DATABASE, DASHBOARD = "database", "dashboard"
PASSWORD_BYTES = 24  # 192 bits


def new_secret(name: str) -> Object:
    """The Secret `database` or `dashboard`, with new content."""
    content = _database() if name == DATABASE else {"token": secrets.token_urlsafe(PASSWORD_BYTES)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": dict(LABELS)},
        "type": "Opaque",
        "data": {key: base64.b64encode(said.encode()).decode() for key, said in content.items()},
    }


def secrets_of(objects: Sequence[Object]) -> set[str]:
    """Those of ours that pods of these objects mount; a database of somebody else's has its own."""
    mounted = {name for found in objects for name in _named(found)}
    return mounted & {DATABASE, DASHBOARD}


def _database() -> dict[str, str]:
    password = secrets.token_urlsafe(PASSWORD_BYTES)  # letters that an URL takes as they are
    return {
        "password": password,
        "url": f"postgresql://hpo:{password}@postgres:5432/hpo",
        "worker-url": f"postgresql://hpo:{password}@database:5432/hpo",
    }


def _named(part: Any) -> Iterator[str]:
    """Names of Secrets in volumes, wherever in an object."""
    if isinstance(part, Mapping):
        secret = part.get("secret")
        if isinstance(secret, Mapping):
            yield str(secret.get("secretName") or secret.get("name"))
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)
