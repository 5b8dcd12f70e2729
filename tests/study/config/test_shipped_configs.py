import hashlib
import re
from pathlib import Path

import pytest

from study.config.fill import active, fill
from study.config.load import load_study, read_study
from study.config.parameters import Scalar

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_every_shipped_study_loads_under_its_own_name(name: str) -> None:
    assert load_study(CONFIGS / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
@pytest.mark.parametrize("end", [0, -1])
def test_the_ends_of_every_shipped_space_are_feasible_together(name: str, end: int) -> None:
    config = load_study(CONFIGS / f"{name}.yaml")
    chosen: dict[str, Scalar | None] = {}
    for path, parameter in config.space.items():
        if active(parameter, chosen):
            chosen[path] = list(parameter.probes())[:: -1 if end else 1][0][1]
    assert fill(config, chosen) != config


def test_the_examples_of_the_document_on_networks_are_studies() -> None:
    rest = "name: a\ndata: {source: a.zip, image_size: 64}\nsearch: {budget: {trials: 1}}\n"
    text = (CONFIGS.parent / "docs" / "networks.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert examples
    for example in examples:
        read_study((rest + example).encode(), Path("a.yaml"))


def test_the_demo_s_pictures_are_those_it_was_made_with() -> None:
    data = load_study(CONFIGS / "fashion.yaml").data
    source = Path(data.source)
    assert source.parent == CONFIGS / "data"
    assert hashlib.sha256(source.read_bytes()).hexdigest() == data.sha256
