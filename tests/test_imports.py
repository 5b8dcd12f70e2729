"""The arrows of docs/architecture.md, read from the sources themselves; and that what the documents
point at exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("study", "worker", "coordinator")
SOURCES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
DOCUMENTS = sorted(
    file
    for file in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "bench").rglob("*.md"),
    ]
)

FORBIDDEN = {
    "study": ("worker", "coordinator", "torch", "torchvision", "nvidia"),
    "worker": ("coordinator",),
    "worker.data": ("worker.models", "worker.training", "worker.evaluation", "worker.inspection"),
    "worker.models": ("worker.data", "worker.training", "worker.evaluation", "worker.inspection"),
    "worker.evaluation": ("worker.training", "worker.inspection"),
    "worker.tracking": ("worker.data", "worker.models", "worker.training", "worker.evaluation"),
    "worker.inspection": ("worker.training", "worker.supervisor", "study.ledger"),
    "worker.packing": (
        "worker.inspection",
        "worker.supervisor",
        "worker.cli",
        "worker.slot",
        "study.ledger",
    ),
    "worker.step": (
        "worker.inspection",
        "worker.packing",
        "worker.supervisor",
        "worker.cli",
        "worker.slot",
        "study.ledger",
    ),
    "worker.training": (
        "worker.inspection",
        "worker.supervisor",
        "worker.cli",
        "worker.slot",
        "study.ledger",
    ),
    "coordinator": ("worker", "torch", "torchvision", "nvidia"),
    # what runs in the cluster and what runs on a laptop meet in records.py alone
    "coordinator.cluster.service": ("coordinator.cluster.laptop", "coordinator.cluster.deployment"),
    "coordinator.cluster.laptop": ("coordinator.cluster.service", "study.registry"),
    "coordinator.cluster.deployment": ("coordinator.cluster.service", "coordinator.cluster.laptop"),
}
"""Room, and what nothing in it may import, wherever the import stands."""

LIGHT = (
    "worker.supervisor",
    "worker.cli",
    "worker.slot",
    "worker.heart",
    "worker.trial_processes",
    "worker.packing.arranged",
)
"""Modules of the process that must not hold a CUDA context: torch is not even imported by what
they import."""


def name_of(file: Path) -> str:
    """The dotted name of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """Dotted names of the modules a file imports when it runs; type checking does not count."""
    waiting: list[ast.AST] = [ast.parse(file.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if top_level_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def within(name: str, room: str) -> bool:
    """Whether a dotted name is the room's or of something in it."""
    return name == room or name.startswith(f"{room}.")


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_go_one_way(room: str) -> None:
    files = [file for file in SOURCES if within(name_of(file), room)]
    assert files, f"{room} has no sources"
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if any(within(name, other) for other in FORBIDDEN[room])
    ]
    assert not wrong


@pytest.mark.parametrize("module", LIGHT)
def test_the_supervisor_never_imports_torch(module: str) -> None:
    modules = {name_of(file): file for file in SOURCES}
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for found in imported(modules[name], top_level_only=True):
            assert not within(found, "torch"), f"{module} comes to torch by way of {name}"
            # `from a.b import c`: c is a module or a name of the module a.b
            waiting += [known for known in (found, found.rpartition(".")[0]) if known in modules]


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in SOURCES
        if (file.name != "__init__.py" or file.read_text().strip())
        and not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert not silent


def test_every_package_is_shipped() -> None:
    found = {name_of(file) for file in SOURCES if file.name == "__init__.py"}
    project = (ROOT / "pyproject.toml").read_text()
    listed = set(re.findall(r'"((?:study|worker|coordinator)(?:\.\w+)*)"', project))
    assert found == listed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_make_targets_of_a_document_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    code = re.findall(r"```.*?```|`[^`\n]+`", document.read_text(), flags=re.DOTALL)
    verbs = r"(?:^|[\s`$])make ([a-z]+(?:-[a-z]+)*)"
    named = set(re.findall(verbs, "\n".join(code), flags=re.MULTILINE))
    assert named <= targets


def test_every_target_is_explained_and_phony() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", text, flags=re.MULTILINE)
    assert phony is not None
    assert targets == explained == set(phony.group(1).replace("\\", " ").split())
