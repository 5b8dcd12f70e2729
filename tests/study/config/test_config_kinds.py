"""A study may search over the kind of its model: each kind brings parameters of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.config.dump import dump
from study.config.fill import active, fill
from study.config.kinds import model_record, names, of_name
from study.config.leaves import leaves
from study.config.load import load_study, read_study
from study.config.middle import middle
from study.config.models import OWN, BackboneConfig, DynamicCnnConfig, PlainCnnConfig
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.errors import ConfigError, Infeasible

HEAD = """\
name: simpsons
data: {source: simpsons.zip, image_size: 64}
search: {budget: {trials: 3}}
model: {name: plain_cnn, conv_layers: 4, dropout: 0.3}
space:
"""

SPACE = (
    "model.name: {type: categorical, choices: [plain_cnn, dynamic_cnn, resnet18]}",
    "model.dropout: {type: float, low: 0.1, high: 0.5}",
    "model.dense: {type: int, low: 64, high: 256, when: model.name == plain_cnn}",
    "model.n_layers: {type: int, low: 1, high: 4, when: model.name == dynamic_cnn}",
    "model.fc_size: {type: int, low: 32, high: 64, when: model.n_layers >= 2}",
    "model.frozen_epochs: {type: int, low: 0, high: 3, when: model.name == resnet18}",
    "training.learning_rate: {type: float, low: 1e-4, high: 1e-2, log: true}",
)


def read(*lines: str, head: str = HEAD, overrides: tuple[str, ...] = ()) -> StudyConfig:
    text = head + "".join(f"  {line}\n" for line in lines or ("{}",))
    return read_study(text.encode(), Path("configs/simpsons.yaml"), overrides)


def mistakes(*lines: str, head: str = HEAD, overrides: tuple[str, ...] = ()) -> list[str]:
    """As `line: mistake`, counted from the first of `lines`."""
    with pytest.raises(ConfigError) as caught:
        read(*lines, head=head, overrides=overrides)
    found = []
    for text in str(caught.value).split("\n"):
        number, _, rest = text.removeprefix("configs/simpsons.yaml:").partition(":")
        found.append(f"{int(number) - head.count(chr(10))}:{rest}")
    return found


def test_the_name_says_which_record_a_model_is() -> None:
    for name, record in OWN.items():
        assert model_record({"name": name}) is record
        study = read(head=HEAD.replace("plain_cnn, conv_layers: 4, dropout: 0.3", name))
        assert type(study.model) is record
    for name in ("resnet18", "timm/resnet18.a1_in1k", "my.package:nets.small", "alexnet"):
        assert model_record({"name": name}) is BackboneConfig
        assert BackboneConfig(name=name).name == name
    assert model_record({}) is DynamicCnnConfig


@pytest.mark.parametrize("name", ["dynamic_cn", "plaincnn", "residual_cnns", "timm/", "a:", "a b"])
def test_a_name_that_nothing_can_have_is_told_with_what_there_is(name: str) -> None:
    (line,) = mistakes(head=HEAD.replace("plain_cnn, conv_layers: 4", f'"{name}"'))
    assert line.startswith(f"-1: model.name: unknown model, got '{name}'; ")
    assert "valid: dynamic_cnn, plain_cnn, alexnet_bn, residual_cnn, torchvision's names" in line


def test_an_unknown_key_of_a_model_is_told_with_the_keys_of_its_kind() -> None:
    head = HEAD.replace("conv_layers", "conv_layer")
    (line,) = mistakes(head=head)
    assert line.startswith("-1: model.conv_layer: unknown key; did you mean conv_layers? valid: ")
    (line,) = mistakes(head=HEAD.replace("plain_cnn, conv_layers: 4", "resnet18, froze: 1"))
    assert "valid: name, weights, mean, std, arguments, dropout, frozen_epochs, backbone" in line


def test_unknown_activations_list_the_valid_ones() -> None:
    (line,) = mistakes(head=HEAD.replace("conv_layers: 4", "activation: geul"))
    assert line.endswith('got "geul"; did you mean gelu? valid: relu, gelu, silu, mish')


def test_a_space_may_go_over_kinds_with_parameters_of_each() -> None:
    study = read(*SPACE)
    assert names(study.model_dump()) == ["plain_cnn", "dynamic_cnn", "resnet18"]
    assert read_study(dump(study).encode(), Path("x.yaml")) == study


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("model.n_layers: {type: int, low: 1, high: 4}",
         "plain_cnn and resnet18 have no n_layers: add `when: model.name == dynamic_cnn`"),
        ("model.n_layers: {type: int, low: 1, high: 4, when: model.name != resnet18}",
         "plain_cnn has no n_layers: add `when: model.name == dynamic_cnn`"),
        ("model.blocks: {type: int, low: 1, high: 4}", "no such value under model or training"),
        ("model.dense: {type: int, low: 1, high: 4, when: model.name == plain}",
         "when: model.name is never \"plain\", it is one of plain_cnn, dynamic_cnn, resnet18"),
    ],
)  # fmt: skip
def test_a_parameter_that_a_kind_does_not_have_says_which_have_it(
    parameter: str, said: str
) -> None:
    (line,) = mistakes(SPACE[0], parameter)
    assert line.startswith("2: space.model.")
    assert said in line


def test_what_several_kinds_have_is_checked_for_each() -> None:
    names_of = "model.name: {type: categorical, choices: [alexnet_bn, residual_cnn, dynamic_cnn]}"
    filters = "model.n_filters.3: {type: int, low: 8, high: 4096, when: model.name != alexnet_bn}"
    assert mistakes(names_of, filters) == [
        "2: space.model.n_filters.3.high: must be at most 2048, got 4096"
    ]


def test_a_misfit_of_one_kind_is_told_even_if_the_file_is_of_another() -> None:
    layers = "model.n_layers: {type: int, low: 1, high: 6, when: model.name == dynamic_cnn}"
    (line,) = mistakes(SPACE[0], layers)
    assert "n_layers.high: model.n_layers: must be at most 4, for n_filters lists no more" in line


def test_a_choice_of_the_name_is_told_where_it_is_wrong() -> None:
    (line,) = mistakes("model.name: {type: categorical, choices: [plain_cnn, dynamic_cn]}")
    assert line.startswith("1: space.model.name.choices.1: unknown model, got 'dynamic_cn'")


@pytest.mark.parametrize(
    "point", ["{model.name: dynamic_cnn, model.n_layers: 2}", "{model.n_layers: 2}", "{}"]
)
def test_a_warm_start_may_leave_the_kind_open(point: str) -> None:
    read(*SPACE, overrides=(f"search.warm_start=[{point}]",))


def test_a_warm_start_of_another_kind_s_parameter_is_told() -> None:
    point = "{model.name: plain_cnn, model.n_layers: 2}"
    with pytest.raises(ConfigError, match=r"n_layers: is not used in this point, because not"):
        read(*SPACE, overrides=(f"search.warm_start=[{point}]",))


def test_a_trial_of_another_kind_keeps_what_both_have_and_has_its_own_defaults() -> None:
    study = read(*SPACE)
    model = fill(study, {"model.name": "dynamic_cnn", "model.n_layers": 2}).model
    assert model == DynamicCnnConfig(n_layers=2, dropout=0.3)
    backbone = fill(study, {"model.name": "resnet18", "model.frozen_epochs": 2}).model
    assert backbone == BackboneConfig(name="resnet18", frozen_epochs=2, dropout=0.3)
    own = fill(study, {"model.name": "plain_cnn", "model.dense": 64}).model
    assert own == PlainCnnConfig(conv_layers=4, dense=64, dropout=0.3)


def test_what_is_only_a_default_of_the_file_s_kind_does_not_go_over_to_others() -> None:
    head = HEAD.replace("plain_cnn, conv_layers: 4, dropout: 0.3", "resnet18")
    study = read(SPACE[0], head=head)
    assert fill(study, {"model.name": "plain_cnn"}).model == PlainCnnConfig()
    again = read_study(dump(study).encode(), Path("x.yaml"))
    assert fill(again, {"model.name": "plain_cnn"}).model == PlainCnnConfig()


def test_between_backbones_everything_is_kept() -> None:
    head = HEAD.replace("plain_cnn, conv_layers: 4", "resnet18, arguments: {a: 1}")
    study = read("model.name: {type: categorical, choices: [resnet18, resnet50]}", head=head)
    filled = fill(study, {"model.name": "resnet50"}).model
    assert filled == BackboneConfig(name="resnet50", arguments={"a": 1}, dropout=0.3)


def test_a_parameter_of_another_kind_is_infeasible() -> None:
    with pytest.raises(Infeasible, match=r"model\.n_layers: no such parameter"):
        fill(read(*SPACE), {"model.name": "resnet18", "model.n_layers": 2})


@settings(max_examples=40)
@given(st.data())
def test_every_trial_of_a_space_over_kinds_can_be_filled_in(data: st.DataObject) -> None:
    study = read(*SPACE)
    chosen: dict[str, Scalar | None] = {}
    for name, parameter in study.space.items():
        if active(parameter, chosen):
            chosen[name] = data.draw(st.sampled_from(parameter.examples([])))
    filled = fill(study, chosen)
    values = filled.model_dump(mode="json")
    assert filled.model.name == chosen["model.name"]
    assert chosen.keys() <= leaves(values).keys()
    for name, value in chosen.items():
        section, _, field = name.partition(".")
        assert values[section][field] == value
    assert fill(filled, chosen) == filled


def test_the_middle_of_a_space_over_kinds_can_be_filled_in() -> None:
    study = read(*SPACE)
    assert fill(study, middle(study.space)).model.name == "dynamic_cnn"


@given(st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["model", "space", "model.name", "name", "choices", "n_filters"]), inner),
))  # fmt: skip
def test_kinds_are_found_in_any_document(values: Any) -> None:
    for name in names(values):
        assert leaves(of_name(values, name))


def test_weights_count_from_the_file_and_torch_home_is_a_word(tmp_path: Path) -> None:
    path = tmp_path / "birds.yaml"
    path.write_text(
        HEAD.replace("plain_cnn, conv_layers: 4", "resnet18, weights: nets/a.pth")
        + "  model.weights: {type: categorical, choices: [null, torch_home, nets/b.pth]}\n"
    )
    study = load_study(path)
    assert isinstance(study.model, BackboneConfig)
    assert study.model.weights == str(tmp_path / "nets" / "a.pth")
    assert [value for _, value in study.space["model.weights"].probes()] == [
        *(None, "torch_home", str(tmp_path / "nets" / "b.pth"))
    ]


def test_a_list_and_a_mapping_of_the_kind_can_be_overridden() -> None:
    plain = "plain_cnn, conv_layers: 4, dropout: 0.3"
    residual = HEAD.replace(plain, "residual_cnn")
    study = read(head=residual, overrides=("model.n_filters.0=16",))
    assert study.model.n_filters == (16, 64, 128, 256)  # type: ignore[union-attr]
    head = HEAD.replace(plain, "resnet18")
    study = read(head=head, overrides=("model.arguments.groups=2",))
    assert study.model.arguments == {"groups": 2}  # type: ignore[union-attr]
