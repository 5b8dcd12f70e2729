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

from study.config.document import (
    COMMAND_LINE,
    Document,
    KeyPath,
    Mistake,
    NotYaml,
    Scalar,
    parse,
)
from study.config.fill import fill
from study.config.kinds import MODEL_NAME, names
from study.config.models import TORCH_HOME
from study.config.nearest import hint
from study.config.override import override
from study.config.records import StudyConfig
from study.config.scope import for_model
from study.config.shadowed import check_shadowed
from study.config.space import check_space
from study.config.warm_start import check_warm_start
from study.config.wording import dotted, explain
from study.errors import ConfigError, Infeasible, one_line
from study.hub import is_hub

NO_PATHS = {TORCH_HOME}  # words that stand where a path may

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
        known = sorted(found.stem for found in path.parent.glob("*.yaml") if found.is_file())
    except OSError as error:
        raise ConfigError(one_line(f"{path}: cannot be read: {error.strerror}")) from error
    raise ConfigError(one_line(f"{path}: no such study{hint(path.stem, known)}"))


def load_study(path: Path, overrides: Sequence[str] = ()) -> StudyConfig:
    """Reads and checks a study, with `path=value` overrides put in.

    A relative `data.source` or `model.weights` counts from the file's folder, in an override from
    the working directory; in the result it is absolute. Raises ConfigError with a line for each
    mistake:
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
    _place_files(document, path)
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
        mistakes += [*check_shadowed(document, config), *_misfits(config)]
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


def _place_files(document: Document, path: Path) -> None:
    """Makes `data.source` and `model.weights` absolute, the latter where it is searched too."""
    _place(document, ("data", "source"), path)
    _place(document, ("model", "weights"), path)
    weights = ("space", "model.weights", "choices")
    choices = _at(document, weights)
    for index in range(len(choices) if isinstance(choices, list) else 0):
        _place(document, (*weights, index), path)


def _place(document: Document, keys: KeyPath, path: Path) -> None:
    text, holder = _at(document, keys), _at(document, keys[:-1])
    if not isinstance(text, str) or not text or "\0" in text or text in NO_PATHS or is_hub(text):
        return
    given_here = document.line(keys) == COMMAND_LINE
    base = Path() if given_here else path.parent
    given = Path(text)
    home = text == "~" or text.startswith("~/")
    holder[keys[-1]] = str((base / (given.expanduser() if home else given)).resolve())


def _at(document: Document, keys: KeyPath) -> Any:
    """The value at a path, None where there is none."""
    value = document.values
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key]
        else:
            return None
    return value


def _misfits(config: StudyConfig) -> Iterator[Mistake]:
    """Values that are right by themselves, but do not fit the rest of the configuration."""
    models = names(config.model_dump(mode="json"))
    searched = MODEL_NAME in config.space
    for index, point in enumerate(config.search.warm_start):
        rules = [
            _infeasible(config, {MODEL_NAME: model, **point} if searched else point)
            for model in models  # where the point leaves it open, one that can be is enough
        ]
        if rules[0] and all(rules):
            yield Mistake(("search", "warm_start", index), rules[0])
    for model in models:
        yield from _misfits_of(config, model, {MODEL_NAME: model} if searched else {})


def _misfits_of(
    config: StudyConfig, model: str, always: dict[str, Scalar | None]
) -> Iterator[Mistake]:
    """The same in trials of one model.

    A value is tried with the configuration's own, with the lowest and with the highest values of
    all other parameters: a crop's lowest area may only be above what is written for its highest.
    """
    space = {
        name: value for name, value in config.space.items() if for_model(value, config.space, model)
    }
    low = {name: next(value.probes())[1] for name, value in space.items()}
    high = {name: list(value.probes())[-1][1] for name, value in space.items()}
    for name, parameter in space.items():
        for key, value in parameter.probes():
            if name == MODEL_NAME and value != model:
                continue
            rule, *rest = (
                _infeasible(config, {**also, **always, name: value}) for also in ({}, low, high)
            )
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
