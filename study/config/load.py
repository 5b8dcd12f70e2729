"""A study's YAML file as a record; every mistake in it with its line, all at once.

Brings the parts together: document.py reads, override.py changes, records.py, space.py and
warm_start.py judge. Knows nothing of what is done with a study.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from study.config.document import COMMAND_LINE, Document, Mistake, NotYaml, Scalar, parse
from study.config.fill import fill
from study.config.nearest import hint
from study.config.override import override
from study.config.records import StudyConfig
from study.config.space import check_space
from study.config.warm_start import check_warm_start
from study.config.wording import dotted, explain
from study.errors import ConfigError, Infeasible, one_line

CONFIGS = Path("configs")  # where a study that is given by its name alone is looked for


def find_study(name_or_path: str) -> Path:
    """The file of a study: `fashion` is configs/fashion.yaml, anything with a `/` is a path.

    Raises ConfigError, with what there is, where it does not exist.
    """
    is_path = "/" in name_or_path or Path(name_or_path).suffix in (".yaml", ".yml")
    path = Path(name_or_path) if is_path else CONFIGS / f"{name_or_path}.yaml"
    try:
        if path.is_file():
            return path
        names = sorted(found.stem for found in path.parent.glob("*.yaml") if found.is_file())
    except OSError as error:
        raise ConfigError(one_line(f"{path}: cannot be read: {error.strerror}")) from error
    raise ConfigError(one_line(f"{path}: no such study{hint(path.stem, names)}"))


def load_study(path: Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """Reads and checks a study, with `path=value` overrides put in.

    A relative `data.source` counts from the file's folder, in an override from the working
    directory; in the result it is absolute. Raises ConfigError with a line for each mistake:
    `configs/birds.yaml:14: space.model.n_layers.low: must be at least 1, got 0`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return read_study(content, path, overrides)


def read_study(content: bytes, path: Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """The same of what is not in a file; mistakes are told as if it were in `path`."""
    document = _parsed(content, path)
    mistakes = [*document.mistakes, *override(document, overrides)]
    _place_source(document, path)
    config: StudyConfig | None = None
    try:
        text = json.dumps(document.values)
        # From JSON, because strict validation then knows lists from tuples and 1 from true.
        config = StudyConfig.model_validate_json(text, strict=True)
    except ValidationError as error:
        mistakes += explain(error, document.values)
    mistakes += check_space(document.values)
    mistakes += check_warm_start(document.values)
    if config is not None and not mistakes:
        mistakes += _misfits(config)
    if config is None or mistakes:
        raise ConfigError("\n".join(_located(document, path, mistakes)))
    return config


def _parsed(content: bytes, path: Path) -> Document:
    try:
        document = parse(content.decode())
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: must be UTF-8 text: {error.reason}") from error
    except NotYaml as error:
        raise ConfigError(f"{path}:{error.line}: {error}") from error
    if not isinstance(document.values, dict):
        got = "nothing" if document.values is None else type(document.values).__name__
        raise ConfigError(f"{path}:1: a study must be a mapping of keys to values, got {got}")
    return document


def _place_source(document: Document, path: Path) -> None:
    """Makes `data.source` absolute."""
    data: Any = document.values.get("data")
    source = data.get("source") if isinstance(data, dict) else None
    if isinstance(source, str) and source and "\0" not in source:
        given_here = document.line(("data", "source")) == COMMAND_LINE
        base = Path() if given_here else path.parent
        given = Path(source)
        home = source == "~" or source.startswith("~/")
        data["source"] = str((base / (given.expanduser() if home else given)).resolve())


def _misfits(config: StudyConfig) -> Iterator[Mistake]:
    """Values that are right by themselves, but do not fit the rest of the configuration.

    A value is tried with the configuration's own, with the lowest and with the highest values of
    all other parameters: a crop's lowest area may only be above what is written for its highest.
    """
    for index, point in enumerate(config.search.warm_start):
        if rule := _infeasible(config, point):
            yield Mistake(("search", "warm_start", index), rule)
    low = {name: next(value.probes())[1] for name, value in config.space.items()}
    high = {name: list(value.probes())[-1][1] for name, value in config.space.items()}
    for name, parameter in config.space.items():
        for key, value in parameter.probes():
            rule, *rest = (_infeasible(config, {**also, name: value}) for also in ({}, low, high))
            if rule and all(rest):
                yield Mistake(("space", name, *key), rule)


def _infeasible(config: StudyConfig, parameters: Mapping[str, Scalar | None]) -> str | None:
    try:
        fill(config, parameters)
    except Infeasible as error:
        return str(error)
    return None


def _located(document: Document, path: Path, mistakes: Iterable[Mistake]) -> list[str]:
    """A line of text for each mistake, in the order of the file."""
    lines: list[tuple[bool, int, str]] = []
    for mistake in mistakes:
        line = document.line(mistake.path)
        place = "command line" if line == COMMAND_LINE else f"{path}:{line}"
        name = dotted(mistake.path)
        text = one_line(": ".join(part for part in (place, name, mistake.rule) if part))
        lines.append((line == COMMAND_LINE, line, text))
    return list(dict.fromkeys(text for _, _, text in sorted(lines)))
