"""A configuration as a YAML file. Knows nothing of where it goes."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from study.config.records import StudyConfig


def dump(config: StudyConfig) -> str:
    """YAML in which every default is spelled out; `load_study` reads it back equal.

    `data.source` is written as it is: from `load_study` it is absolute and stays so.
    """
    yaml = YAML(typ="safe", pure=True)
    # Conditions depend on the order of parameters. The library types the switch as always None.
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.default_flow_style = False
    yaml.width = 4096  # a long path on one line can be searched for
    yaml.representer.add_representer(str, _represent)
    text = StringIO()
    yaml.dump(config.model_dump(mode="json"), text)
    return text.getvalue()


def _represent(representer: SafeRepresenter, value: str) -> ScalarNode:
    """Between double quotes what cannot be printed: the library writes a next-line character
    (U+0085) as it is between single quotes and reads it back as a space."""
    style = None if value.isprintable() else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", value, style=style)
