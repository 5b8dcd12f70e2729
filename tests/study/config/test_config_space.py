from pathlib import Path

import pytest

from study.config.load import load_study
from study.config.parameters import IntParameter
from study.errors import ConfigError

HEAD = """\
name: birds
data: {source: birds.zip, image_size: 64}
search: {budget: {trials: 3}}
space:
"""


def mistakes(tmp_path: Path, *lines: str, overrides: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with a space, as `line: mistake`, counted from the first of `lines`."""
    path = tmp_path / "birds.yaml"
    path.write_text(HEAD + "".join(f"  {line}\n" for line in lines))
    try:
        load_study(path, overrides)
    except ConfigError as error:
        texts = [line.removeprefix(f"{path}:") for line in str(error).split("\n")]
        return [
            f"{int(number) - HEAD.count(chr(10))}:{rest}"
            for number, _, rest in (text.partition(":") for text in texts)
        ]
    return []


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("model.dropouts", "no such value under model or training; did you mean model.dropout? "),
        ("dropout", "no such value under model or training; did you mean model.dropout? "),
        ("data.image_size", "no such value under model or training"),
        ("search.seed", "no such value under model or training"),
        ("model.n_filters.4", "no such value under model or training; did you mean model.n_filt"),
        ("model.n_filters", "holds several values: name one of them; did you mean model.n_filt"),
        ("training.augmentation", "holds several values: name one of them"),
        ("training", "holds several values: name one of them"),
        ("training.seed", "is the same for all trials and cannot be searched"),
        ("training.compile", "is the same for all trials and cannot be searched"),
    ],
)
def test_only_single_values_of_model_and_training_are_searched(
    tmp_path: Path, name: str, start: str
) -> None:
    (line,) = mistakes(tmp_path, f"{name}: {{type: int, low: 1, high: 2}}")
    assert line.startswith(f"1: space.{name}: {start}")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("model.n_layers: {type: int, low: 0, high: 3}", "low: must be at least 1, got 0"),
        ("model.n_layers: {type: float, low: 1, high: 3}",
         "type: must be int: model.n_layers is a whole number"),
        ("training.label_smoothing: {type: float, low: 0, high: 0.5}",
         "high: must be at most 0.2, got 0.5"),
        ("training.optimizer: {type: categorical, choices: [adamw, sdg]}",
         'choices.1: unknown value, got "sdg"; did you mean sgd? valid: adamw, sgd'),
        ("training.optimizer: {type: int, low: 1, high: 2}",
         "low: unknown value, got 1; valid: adamw, sgd"),
        ("training.learning_rate: {type: categorical, choices: [1e-3, x]}",
         'choices.1: must be a number, got "x"'),
        ("model.kernel_sizes.0: {type: int, low: 3, high: 7}",
         "step: must be odd, so that a block keeps its picture's size, got 4"),
        ("model.n_layers: {type: int, low: 1, high: 5}",
         "high: model.n_layers: must be at most 4, for n_filters lists no more, got 5"),
        ("training.augmentation.crop_scale.1: {type: float, low: 0.1, high: 1}",
         "low: training.augmentation.crop_scale: the lowest value must come first, "
         "got [0.7, 0.1]"),
    ],
)  # fmt: skip
def test_every_value_of_a_range_must_be_valid_where_it_goes(
    tmp_path: Path, parameter: str, expected: str
) -> None:
    name = parameter.partition(":")[0]
    assert mistakes(tmp_path, parameter) == [f"1: space.{name}.{expected}"]


@pytest.mark.parametrize(
    "parameter",
    [
        "training.learning_rate: {type: float, low: 1e-4, high: 1e-1, log: true}",
        "training.label_smoothing: {type: float, low: 0, high: 0.2, step: 0.05}",
        "model.kernel_sizes.3: {type: int, low: 3, high: 7, step: 2}",
        "training.gradient_clip: {type: categorical, choices: [null, 1.0]}",
        "model.fc_size: {type: int, low: 64, high: 64}",
    ],
)
def test_ranges_that_fit_are_taken(tmp_path: Path, parameter: str) -> None:
    assert mistakes(tmp_path, parameter) == []


def test_values_may_need_those_of_another_parameter(tmp_path: Path) -> None:
    assert not mistakes(
        tmp_path,
        "training.augmentation.crop_scale.0: {type: float, low: 0.1, high: 0.9}",
        "training.augmentation.crop_scale.1: {type: float, low: 0.3, high: 1}",
        overrides=("training.augmentation.crop_scale=[0.4, 0.5]",),
    )


ABOVE = (
    "model.n_layers: {type: int, low: 2, high: 4}",
    "training.optimizer: {type: categorical, choices: [adamw, sgd]}",
    "training.learning_rate: {type: float, low: 1e-4, high: 1e-1, log: true}",
    "model.fc_size: {type: int, low: 64, high: 256, step: 64, when: training.optimizer == sgd}",
)


@pytest.mark.parametrize(
    "when",
    [
        "model.n_layers >= 4",
        "model.n_layers in [2, 3] and training.optimizer != adamw",
        "model.n_layers > 2 and model.n_layers < 4",
        "training.learning_rate > 1e-3 and training.learning_rate < 1.0001e-3",
        "model.fc_size > 64 and model.fc_size < 192",
        "model.fc_size == 128 and training.optimizer == sgd",
    ],
)
def test_conditions_that_can_hold_are_taken(tmp_path: Path, when: str) -> None:
    line = f"model.dropout: {{type: float, low: 0, high: 0.5, when: '{when}'}}"
    assert mistakes(tmp_path, *ABOVE, line) == []


@pytest.mark.parametrize(
    ("when", "rule"),
    [
        ("model.n_layer > 2", "model.n_layer is not a parameter of the space; did you mean "
         "model.n_layers? valid: model.n_layers, training.optimizer, training.learning_rate, "
         "model.fc_size"),
        ("training.momentum > 0", "training.momentum must be declared above"),
        ("model.dropout > 0", "model.dropout must be declared above"),
        ("training.optimizer == sdg", 'training.optimizer is never "sdg", it is one of adamw, sgd; '
         "did you mean sgd? valid: adamw, sgd"),
        ("training.optimizer != 2",
         "training.optimizer is never 2, it is one of adamw, sgd; valid: adamw, sgd"),
        ("training.optimizer > 2",
         "only numbers can be compared with >, got training.optimizer > 2"),
        ("model.n_layers >= sgd",
         "only numbers can be compared with >=, got model.n_layers >= sgd"),
        ("model.n_layers == '2'",
         'model.n_layers is never "2", it is a whole number from 2 to 4'),
        ("model.n_layers in [2, 5]",
         "model.n_layers is never 5, it is a whole number from 2 to 4"),
        ("model.n_layers > 4", "can never hold: model.n_layers > 4, but model.n_layers is a whole "
         "number from 2 to 4"),
        ("model.n_layers > 2 and model.n_layers < 3", "can never hold: model.n_layers > 2 and "
         "model.n_layers < 3, but model.n_layers is a whole number from 2 to 4"),
        ("model.fc_size > 64 and model.fc_size < 128", "can never hold: model.fc_size > 64 and "
         "model.fc_size < 128, but model.fc_size is a whole number from 64 to 256 in steps of 64"),
        ("model.fc_size > 64 and training.optimizer == adamw", "can never hold: "
         "training.optimizer == adamw and training.optimizer == sgd, but training.optimizer is "
         "one of adamw, sgd"),
        ("model.n_layers = 2", "must read `<parameter> <op> <value>` (op: == != >= <= > < or in "
         "[a, b]) joined by `and`, got 'model.n_layers = 2'"),
    ],
)  # fmt: skip
def test_conditions_that_make_no_sense_are_told(tmp_path: Path, when: str, rule: str) -> None:
    lines = (
        *ABOVE,
        f'model.dropout: {{type: float, low: 0, high: 0.5, when: "{when}"}}',
        "training.momentum: {type: float, low: 0, high: 0.5}",
    )
    assert mistakes(tmp_path, *lines) == [f"5: space.model.dropout.when: {rule}"]


def test_conditions_that_go_in_a_circle_are_told(tmp_path: Path) -> None:
    assert mistakes(
        tmp_path,
        "model.dropout: {type: float, low: 0, high: 0.5, when: model.n_layers > 1}",
        "model.n_layers: {type: int, low: 2, high: 4, when: model.dropout > 0}",
    ) == ["1: space.model.dropout.when: model.n_layers must be declared above"]


@pytest.mark.parametrize(
    ("point", "rule"),
    [
        ("{model.n_layer: 3}", "0.model.n_layer: is not a parameter of the space; did you mean "
         "model.n_layers? valid: model.n_layers, training.optimizer, training.learning_rate, "
         "model.fc_size"),
        ("{model.n_layers: 5}", "0.model.n_layers: must be a whole number from 2 to 4, got 5"),
        ("{model.n_layers: 3.0}", "0.model.n_layers: must be a whole number from 2 to 4, got 3.0"),
        ("{model.n_layers: true}",
         "0.model.n_layers: must be a whole number from 2 to 4, got true"),
        ("{training.optimizer: sdg}",
         '0.training.optimizer: must be one of adamw, sgd, got "sdg"'),
        ("{training.optimizer: adamw, model.fc_size: 64}", "0.model.fc_size: is not used in this "
         "point, because not: training.optimizer == sgd; leave it out"),
    ],
)  # fmt: skip
def test_a_warm_start_lies_inside_the_space(tmp_path: Path, point: str, rule: str) -> None:
    line = f"command line: search.warm_start.{rule}"
    path = tmp_path / "birds.yaml"
    path.write_text(HEAD + "".join(f"  {above}\n" for above in ABOVE))
    with pytest.raises(ConfigError) as caught:
        load_study(path, [f"search.warm_start=[{point}]"])
    assert str(caught.value) == line


def test_a_warm_start_inside_the_space_is_taken(tmp_path: Path) -> None:
    points = "search.warm_start=[{training.optimizer: sgd, model.fc_size: 128}, {}]"
    assert mistakes(tmp_path, *ABOVE, overrides=(points,)) == []


def test_a_warm_start_whose_values_do_not_go_together_is_told(tmp_path: Path) -> None:
    scale = "training.augmentation.crop_scale"
    assert mistakes(
        tmp_path,
        f"{scale}.0: {{type: float, low: 0.1, high: 0.9}}",
        f"{scale}.1: {{type: float, low: 0.3, high: 1}}",
        overrides=(),
    ) == []  # fmt: skip
    with pytest.raises(ConfigError, match="the lowest value must come first"):
        load_study(
            tmp_path / "birds.yaml",
            [f"search.warm_start=[{{{scale}.0: 0.8, {scale}.1: 0.5}}]"],
        )


def test_the_order_of_the_file_is_kept(tmp_path: Path) -> None:
    assert mistakes(tmp_path, *ABOVE) == []
    space = load_study(tmp_path / "birds.yaml").space
    assert list(space) == [line.partition(":")[0] for line in ABOVE]
    assert space["model.n_layers"] == IntParameter(type="int", low=2, high=4)
