import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from study.config.augmentation import AugmentationConfig
from study.config.load import find_study, load_study
from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from study.errors import ConfigError

RIGHT = """\
name: birds
data:
  source: birds.zip
  image_size: 64
search:
  budget: {trials: 3}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "birds.yaml"
        path.write_text(text)
        return path

    return write


def mistakes(path: Path, *overrides: str) -> list[str]:
    """What is wrong, a line each, with the folder cut off."""
    with pytest.raises(ConfigError) as caught:
        load_study(path, overrides)
    return [line.removeprefix(f"{path.parent}{os.sep}") for line in str(caught.value).split("\n")]


def test_what_is_left_out_has_the_default_of_the_records(write: Write) -> None:
    config = load_study(write(RIGHT))
    assert config == StudyConfig.model_validate(
        {
            "name": "birds",
            "data": {"source": config.data.source, "image_size": 64},
            "search": {"budget": {"trials": 3}},
        }
    )


def test_a_source_counts_from_the_file_and_in_an_override_from_here(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(RIGHT)
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    assert load_study(path).data.source == str(tmp_path / "birds.zip")
    assert load_study(path, ["data.source=mine.zip"]).data.source == str(here / "mine.zip")
    data = "data={source: ../mine.zip, image_size: 32}"
    assert load_study(path, [data]).data.source == str(tmp_path / "mine.zip")


def test_a_data_set_of_the_hub_is_no_path(write: Write) -> None:
    text = re.sub(r"source: \S+", "source: hf://owner/birds", RIGHT)
    assert load_study(write(text)).data.source == "hf://owner/birds"
    config = load_study(write(RIGHT), ["data.source=hf://owner/birds/full@v1"])
    assert config.data.source == "hf://owner/birds/full@v1"
    assert mistakes(write(text.replace("owner/", ""))) == [
        "birds.yaml:3: data.source: must be hf://OWNER/NAME[/CONFIGURATION][@REVISION], "
        "got 'hf://birds'"
    ]


def test_all_mistakes_are_told_at_once_each_with_its_line(write: Write) -> None:
    path = write(
        """\
name: Birds
data:
  source: birds.zip
  image_siz: 64
  split: {group: "(", val: "0.2"}
model:
  n_filters: [32, 64.5]
  dropout: 1
training:
  epochs: 5.0
  optimizer: adam
  epochs: "7"
space:
  model.n_layers:
    type: int
    low: 0
    high: 2
  training.momentum: {type: floot, low: 0, high: 1}
search: {budget: {trials: true}, warm_start: [{model.n_layers: [1]}]}
"""
    )
    assert mistakes(path, "training.batch_sise=32") == [
        "birds.yaml:1: name: must be 1 to 50 lower-case letters, digits and inner dashes, "
        "got 'Birds'",
        "birds.yaml:2: data.image_size: is required",
        "birds.yaml:4: data.image_siz: unknown key; did you mean image_size? valid: source, "
        "sha256, classes, image_size, store_size, channels, fit, split, loader",
        "birds.yaml:5: data.split.group: must be a regular expression, got '(': missing ), "
        "unterminated subpattern at position 0",
        'birds.yaml:5: data.split.val: must be a number, got "0.2"',
        "birds.yaml:7: model.n_filters.1: must be a whole number, got 64.5",
        "birds.yaml:8: model.dropout: must be below 1.0, got 1",
        'birds.yaml:11: training.optimizer: unknown value, got "adam"; did you mean adamw? '
        "valid: adamw, sgd",
        "birds.yaml:12: training.epochs: given twice, first on line 10: remove one",
        'birds.yaml:12: training.epochs: must be a whole number, got "7"',
        "birds.yaml:16: space.model.n_layers.low: must be at least 1, got 0",
        'birds.yaml:18: space.training.momentum.type: unknown type, got "floot"; did you mean '
        "float? valid: float, int, categorical",
        "birds.yaml:19: search.budget.trials: must be a whole number, got true",
        "birds.yaml:19: search.warm_start.0.model.n_layers: must be text, a number, true, false "
        "or null, got [1]",
        "command line: training.batch_sise: unknown key; did you mean batch_size? valid: "
        + ", ".join(TrainingConfig.model_fields),
    ]


@pytest.mark.parametrize(
    ("override", "rule"),
    [
        ("=3", "an override must be written path=value, got '=3'"),
        ("training.epochs=0", "training.epochs: must be at least 1, got 0"),
        ("training.learning_rate=0", "training.learning_rate: must be above 0.0, got 0"),
        ("training.warmup=2", "training.warmup: must be at most 1.0, got 2"),
        ("training.learning_rate=.inf", "training.learning_rate: must be finite, got Infinity"),
        ("training=3", "training: must be a mapping, got 3"),
        ("model.n_filters=3", "model.n_filters: must be a list, got 3"),
        ("model.n_layers=5",
         "model.n_layers: must be at most 4, for n_filters lists no more, got 5"),
        ("data.split.val=0.9", "data.split.val: val and test must be below 1 together, "
         "got 0.9 + 0.15"),
        ("data.store_size=32", "data.store_size: must be at least image_size=64, got 32"),
        ("data.sha256=12", "data.sha256: must be text, got 12"),
        ("data.sha256=abc", "data.sha256: must be 64 hexadecimal digits in lower case, got 'abc'"),
        ("data.source=", "data.source: must be text, got null"),
        ("data.source=''", "data.source: must be a path, got ''"),
        ("data.channels=2", "data.channels: unknown value, got 2; valid: 1, 3"),
        ("search.direction=minimize", "search.direction: must be maximize for metric accuracy, "
         "got minimize"),
        ("search.metric=roc-auc", 'search.metric: unknown value, got "roc-auc"; did you mean '
         "roc_auc? valid: accuracy, top5, loss, precision, recall, f1, f1_supported, roc_auc, "
         "log_loss, ece"),
        ("training.loss=focall", 'training.loss: unknown value, got "focall"; did you mean focal? '
         "valid: cross_entropy, focal"),
        ("training.augmentation.policy=randaug", 'training.augmentation.policy: unknown value, got '
         '"randaug"; did you mean randaugment? valid: none, randaugment, trivialaugment'),
        ("training.augmentation.equalize=0.5", "training.augmentation.equalize: unknown key; did "
         "you mean equalise? valid: " + ", ".join(AugmentationConfig.model_fields)),
        ("training.augmentation.hue=0.6", "training.augmentation.hue: must be at most 0.5, "
         "got 0.6"),
        ("training.augmentation.scale=[1.5, 0.5]", "training.augmentation.scale: the lowest value "
         "must come first, got [1.5, 0.5]"),
        ("training.augmentation.erasing_scale=[0.5, 2]", "training.augmentation.erasing_scale: a "
         "part cannot be larger than the picture, got [0.5, 2.0]"),
        ("training.augmentation.crop_scale=[1]", "training.augmentation.crop_scale.1: is required"),
        ("training.augmentation.crop_scale=[1, 0.5]", "training.augmentation.crop_scale: the "
         "lowest value must come first, got [1.0, 0.5]"),
        ("space={training.epochs: 3}", "space.training.epochs: must be a mapping, got 3"),
        ("space={training.epochs: {low: 1}}", "space.training.epochs: must have a type: "
         'float, int or categorical, got {"low": 1}'),
        ("space={training.epochs: {type: int, low: 3, high: 1}}", "space.training.epochs.low: "
         "must not be above high, got low=3, high=1"),
        ("space={training.epochs: {type: int, low: 1, high: 2, lo: 1}}", "space.training.epochs.lo:"
         " unknown key; did you mean low? valid: when, type, low, high, log, step"),
        ("serch={}", "serch: unknown key; did you mean search? valid: name, data, model, "
         "training, space, search, resources, tracking"),
    ],
)  # fmt: skip
def test_rules_are_told_in_words(write: Write, override: str, rule: str) -> None:
    assert mistakes(write(RIGHT), override) == [f"command line: {rule}"]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"name: [\n", "birds.yaml:2: not YAML: "),
        (b"", "birds.yaml:1: a study must be a mapping of keys to values, got nothing"),
        (b"- 1\n", "birds.yaml:1: a study must be a mapping of keys to values, got list"),
        (b"name: a\n\xff\n", "birds.yaml:2: must be UTF-8 text: invalid start byte"),
    ],
)
def test_what_is_no_study_at_all_is_one_clear_line(
    tmp_path: Path, content: bytes, rule: str
) -> None:
    path = tmp_path / "birds.yaml"
    path.write_bytes(content)
    (line,) = mistakes(path)
    assert line.startswith(rule)


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "none.yaml") == [
        "none.yaml: cannot be read: No such file or directory"
    ]
    (tmp_path / "folder.yaml").mkdir()
    assert mistakes(tmp_path / "folder.yaml") == ["folder.yaml: cannot be read: Is a directory"]


def test_a_study_is_found_by_its_name_or_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    for name in ("birds", "cats"):
        (tmp_path / "configs" / f"{name}.yaml").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)
    assert find_study("birds") == Path("configs/birds.yaml")
    assert find_study("configs/cats.yaml") == Path("configs/cats.yaml")
    with pytest.raises(ConfigError) as caught:
        find_study("brids")
    assert str(caught.value) == (
        "configs/brids.yaml: no such study; did you mean birds? valid: birds, cats"
    )
    with pytest.raises(ConfigError, match=r"^other/birds.yaml: no such study$"):
        find_study("other/birds.yaml")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.seed=9223372036854775808", "must be at most 9223372036854775807"),
        ("training.epochs=0x" + "f" * 4000, "cannot be read as a number, got 0xfff"),
        ("search.budget.trials=3000000000", "must be at most 1000000"),
        ("resources.max_attempts=3000000000", "must be at most 1000"),
        ("resources.cpu_threads=3000000000", "must be at most 1024"),
        ("resources.slots_per_device=65", "must be auto or a whole number from 1 to 64, got 65"),
        ("a\nb=1", r"a\nb: unknown key"),
    ],
)
def test_what_no_machine_can_hold_is_one_mistake(write: Write, override: str, said: str) -> None:
    (line,) = mistakes(write(RIGHT), override)
    assert said in line


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(write: Write) -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    (line,) = mistakes(write("\n".join(lines)))
    assert "not YAML: more than 50,000 values" in line


@pytest.mark.parametrize(("given", "slots", "known"), [("auto", "auto", 1), ("8", 8, 8)])
def test_trials_at_once_are_given_or_found(
    write: Write, given: str, slots: int | str, known: int
) -> None:
    resources = load_study(write(RIGHT), [f"resources.slots_per_device={given}"]).resources
    assert (resources.slots_per_device, resources.known_slots) == (slots, known)


@pytest.mark.parametrize("given", ["0", "true", "1.5", "all", "null"])
def test_other_numbers_of_trials_at_once_are_one_mistake(write: Write, given: str) -> None:
    (mistake,) = mistakes(write(RIGHT), f"resources.slots_per_device={given}")
    assert "must be auto or a whole number from 1 to 64" in mistake
