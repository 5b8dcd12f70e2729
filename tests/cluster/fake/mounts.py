"""Volumes as folders of this machine: what a container finds under its mount paths, and the same
paths in its environment, arguments and ConfigMaps turned into theirs.

Knows nothing of processes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.cluster.fake.store import ApiError, Object, Store


class Mounts:
    """The mounts of one pod. Raises LookupError for a ConfigMap or Secret that is missing."""

    def __init__(self, store: Store, pod: Object, claims: Path, folder: Path) -> None:
        self._store = store
        self._here = claims.parent
        self._namespace = pod["metadata"]["namespace"]
        self._folders: dict[str, Path] = {}
        """By mount path."""
        spec = pod["spec"]
        places = {
            volume["name"]: self._place(volume, claims, folder)
            for volume in spec.get("volumes", [])
        }
        for mount in spec["containers"][0].get("volumeMounts", []):
            place = places[mount["name"]] / mount.get("subPath", "")
            self._folders[mount["mountPath"]] = place
        self._folders["/dev"] = folder / "dev"
        for volume in spec.get("volumes", []):
            self._fill(volume, places[volume["name"]])
        for place in self._folders.values():
            place.mkdir(parents=True, exist_ok=True)

    def local(self, text: str) -> str:
        """A path in the container as one of this machine; what is one already, and other text, as
        it is."""
        if text.startswith(str(self._here)):
            return text
        for path in sorted(self._folders, key=len, reverse=True):
            if text == path or text.startswith(path + "/"):
                return str(self._folders[path]) + text[len(path) :]
        return text

    def _place(self, volume: dict[str, Any], claims: Path, folder: Path) -> Path:
        if "persistentVolumeClaim" in volume:
            return claims / str(volume["persistentVolumeClaim"]["claimName"])
        return folder / "volumes" / str(volume["name"])

    def _fill(self, volume: dict[str, Any], place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            for kind, resource in (("configMap", "configmaps"), ("secret", "secrets")):
                if kind in source:
                    wanted = source[kind]
                    name = wanted.get("name") or wanted.get("secretName")
                    content = self._content(resource, name)
                    for key, file in _items(wanted.get("items"), content):
                        (place / file).write_bytes(content[key])

    def _content(self, resource: str, name: str) -> dict[str, bytes]:
        try:
            found = self._store.get(resource, self._namespace, name)
        except ApiError as error:
            raise LookupError(f"{resource.rstrip('s')} {name!r} not found") from error
        content = {
            key: self._translated(text).encode() for key, text in (found.get("data") or {}).items()
        }
        if resource == "secrets":
            content = {key: base64.b64decode(text) for key, text in content.items()}
            for key, text in (found.get("stringData") or {}).items():
                content[key] = text.encode()
        return content

    def _translated(self, text: str) -> str:
        """A configuration with the paths in it turned into those of this machine."""
        return re.sub(r"(?<=[:{,] )(['\"]?)(/[^'\",}\n]*)", self._turned, text)

    def _turned(self, found: re.Match[str]) -> str:
        return found[1] + self.local(found[2])


def _items(wanted: list[dict[str, str]] | None, content: Iterable[str]) -> list[tuple[str, str]]:
    if wanted is None:
        return [(key, key) for key in content]
    return [(item["key"], item["path"]) for item in wanted]
