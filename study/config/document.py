"""YAML 1.2 text as plain values that remember the line each came from.

Knows nothing of studies: what may be written is in records.py, what is said about it in wording.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Scalar = bool | int | float | str
"""What a single value is; null is written `Scalar | None` where it is allowed."""

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the top of a document. A key may itself hold dots."""

COMMAND_LINE = 0  # the "line" of what an override wrote; lines of a file count from 1

MOST_VALUES = 50_000  # a few aliases of aliases of lists stand for billions

_TAG = "tag:yaml.org,2002:"
_PLAIN = {_TAG + name for name in ("null", "bool", "int", "float")}
# YAML 1.1's leftovers: plain text in the core schema of 1.2, but the library resolves them.
_TEXT = {_TAG + name for name in ("str", "timestamp", "value", "merge")}


class Mistake(NamedTuple):
    """A rule that the value at `path` breaks."""

    path: KeyPath
    rule: str


class NotYaml(ValueError):  # noqa: N818 - reads as its message
    """The text is not one YAML document."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"not YAML: {problem}")
        self.line = line


@dataclass
class Document:
    """One file's values; overrides change them in place before they become records."""

    values: Any
    """None, bool, int, float, str, and lists and dicts (keys are str) of them."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Where each key and list item stands."""
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line of `path` or of its nearest parent; COMMAND_LINE for what an override wrote."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def replace(self, path: KeyPath) -> None:
        """Notes that an override wrote the value at `path`: its lines are no longer the file's."""
        for known in [known for known in self.lines if known[: len(path)] == path]:
            del self.lines[known]
        self.lines[path] = COMMAND_LINE


def parse(text: str) -> Document:
    """Reads one YAML document.

    A key given twice, a tag, and the like are noted in `mistakes`; the rest is read all the same.
    Raises NotYaml where the text has no structure to go on with.
    """
    yaml = YAML(typ="safe", pure=True)  # of the two, only the pure parser knows YAML 1.2
    try:
        root = yaml.compose(text)
        reader = _Reader(yaml)
        values = None if root is None else reader.value(root, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(mark.line + 1 if mark else 1, error.problem or str(error)) from error
    except YAMLError as error:
        raise NotYaml(1, " ".join(str(error).split())) from error
    except RecursionError as error:
        raise NotYaml(1, "nested too deeply") from error
    return Document(values, reader.lines, reader.mistakes)


class _Reader:
    """Turns composed nodes into values, noting lines and mistakes on the way."""

    def __init__(self, yaml: Any) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.mistakes: list[Mistake] = []
        self._construct = yaml.constructor.construct_object
        self._open: list[Node] = []
        self._count = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MOST_VALUES:
            raise NotYaml(node.start_mark.line + 1, f"more than {MOST_VALUES:,} values")
        if any(node is parent for parent in self._open):
            self._refuse(path, "an alias must not contain itself")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._open.append(node)
        try:
            if isinstance(node, SequenceNode):
                return self._list(node, path)
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.pop()

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        tag = str(node.tag)
        if tag in _TEXT:
            return self._text(node.value, path)
        if tag not in _PLAIN:
            self._refuse(path, f"tags are not used here, got {tag}")
            return None
        try:
            value = self._construct(node)
            str(value)  # Python reads a number of any length in hexadecimal, but does not write it
        except ValueError:
            self._refuse(path, f"cannot be read as a number, got {node.value[:60]}")
            return None
        return value

    def _text(self, text: str, path: KeyPath) -> str:
        try:  # JSON's "\\ud800\\udc00" is one letter, but the library leaves it as two halves
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._refuse(path, "must be Unicode text, got half of a surrogate pair")
            return ""

    def _list(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self.lines[(*path, index)] = item.start_mark.line + 1
            values.append(self.value(item, (*path, index)))
        return values

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._refuse(path, "keys must be names, got a list or a mapping")
                continue
            key = self._text(key_node.value, path)
            here = (*path, key)
            if key in values:
                self._refuse(here, f"given twice, first on line {self.lines[here]}: remove one")
            self.lines[here] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, here)
        return values

    def _refuse(self, path: KeyPath, rule: str) -> None:
        self.mistakes.append(Mistake(path, rule))
