"""What is to be deployed: builds an overlay and its components with kustomize (kubectl has it).

Knows nothing of the cluster it will go to.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from coordinator.cluster.kubectl import kubectl
from study.config.nearest import hint
from study.errors import UsageError, one_line

Object = dict[str, Any]

K8S = Path(__file__).resolve().parents[3] / "k8s"
IMAGES = ("hpo-coordinator", "hpo-worker")
PREFIX = re.compile(r"[a-z0-9]+([._:/-]+[a-z0-9]+)*[/._-]")  # registry.example:5000/team/
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a person may choose."""

    overlay: str = "gpu"
    components: Sequence[str] = ()
    image_prefix: str = ""
    """Of both images' names: a registry and path with a slash at the end; empty: the nodes have
    them."""
    tag: str = ""
    """Of both images; empty: this version's."""


def build(choice: Choice, namespace: str) -> list[Object]:
    """The objects to deploy, the namespace first. Raises UsageError."""
    check(choice)
    with tempfile.TemporaryDirectory(prefix="hpo-deploy-") as given:
        folder = Path(given).resolve()  # kustomize takes paths relative to it alone
        (folder / "kustomization.yaml").write_text(
            yaml.safe_dump(_kustomization(choice, namespace, folder))
        )
        shutil.copy(K8S / "base" / "podtemplates.yaml", folder)
        built = subprocess.run(
            [kubectl(), "kustomize", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
    if built.returncode != 0:
        reason = one_line(built.stderr.strip().removeprefix("error: "))
        raise UsageError(f"overlay {choice.overlay} cannot be built: {reason}")
    return list(yaml.safe_load_all(built.stdout))


def check(choice: Choice) -> None:
    """Raises UsageError for what does not exist or no image can be called."""
    if not K8S.is_dir():
        raise UsageError(f"{K8S} is missing: deploy from a checkout of the project")
    _check_name("overlay", choice.overlay, K8S / "overlays")
    for component in choice.components:
        _check_name("component", component, K8S / "components")
    if choice.image_prefix and not PREFIX.fullmatch(choice.image_prefix):
        raise UsageError(
            "--image-prefix must be what stands before the images' names, like "
            f"registry.example:5000/team/, got {choice.image_prefix!r}"
        )
    if choice.tag and not TAG.fullmatch(choice.tag):
        raise UsageError(f"--tag must be an image's tag like 0.1.0, got {choice.tag!r}")


def _check_name(kind: str, name: str, folder: Path) -> None:
    names = sorted(found.name for found in folder.iterdir() if found.is_dir())
    if name not in names:
        raise UsageError(f"there is no {kind} {name!r}{hint(name, names)}")


def _kustomization(choice: Choice, namespace: str, folder: Path) -> Object:
    prefix = choice.image_prefix
    images = [
        {
            "name": name,
            **({"newName": f"{prefix}{name}"} if prefix else {}),
            **({"newTag": choice.tag} if choice.tag else {}),
        }
        for name in IMAGES
    ]
    return {
        "namespace": namespace,
        "resources": [os.path.relpath(K8S / "overlays" / choice.overlay, folder)],
        "components": [
            os.path.relpath(K8S / "components" / component, folder)
            for component in choice.components
        ],
        "images": images if prefix or choice.tag else [],
        "configurations": ["podtemplates.yaml"],
    }
