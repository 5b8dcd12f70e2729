"""What a study would take: counted from real files, computed from a given measurement."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from coordinator.estimate import Pictures, Rehearsal, count_pictures, lines, read_rehearsal
from study.config.data import DataConfig
from study.config.records import StudyConfig
from study.dataset import read_manifest
from study.errors import HpoError
from study.paths import DataPaths
from tests.pictures import draw_classes
from worker.data.prepare import prepare

MEASURED = Rehearsal(
    images_per_second=500.0,
    validation_images_per_second=2000.0,
    device="a GPU",
    peak_memory_gib=2.0,
)


def test_pictures_are_counted_as_prepare_divides_them(tmp_path: Path) -> None:
    folder = draw_classes(tmp_path / "pictures", per_class=20)
    data = DataConfig.model_validate({"source": str(folder), "image_size": 16})
    store = prepare(data, DataPaths(tmp_path / "data"), processes=1, progress=lambda *_: None)
    splits = read_manifest(store).splits
    packed = {name: rows.stop - rows.start for name, rows in splits.items()}
    counted = count_pictures(folder, data)
    assert counted == Pictures(train=packed["train"], val=packed["val"])
    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    assert count_pictures(Path(archive), data) == counted


def test_splits_that_the_source_brings_are_counted_as_they_are(tmp_path: Path) -> None:
    draw_classes(tmp_path / "train", classes=2, per_class=10)
    draw_classes(tmp_path / "test", classes=2, per_class=5)
    data = DataConfig.model_validate({"source": str(tmp_path), "image_size": 16})
    assert count_pictures(tmp_path, data) == Pictures(train=17, val=3)


def test_a_list_is_counted_by_prepare(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("path,label\n")
    data = DataConfig.model_validate({"source": str(table), "image_size": 16})
    assert count_pictures(table, data) is None


def test_time_is_an_upper_bound_with_its_formula(config: StudyConfig) -> None:
    told = lines(config, workers=4, pictures=Pictures(train=100_000, val=20_000), measured=MEASURED)
    # 6 trials of 2 epochs of 100,000 / 500 + 20,000 / 2,000 s are 2,520 s
    assert told[-1] == (
        "time: at most 0.70 GPU-hours, 10 min with 4 at work: "
        "6 trials x 2 epochs x (100,000 / 500 + 20,000 / 2,000) s, where nothing is pruned"
    )


def test_trials_at_once_that_a_worker_has_yet_to_find_are_counted_as_one(
    config: StudyConfig,
) -> None:
    resources = config.resources.model_copy(update={"slots_per_device": "auto"})
    found = config.model_copy(update={"resources": resources})
    one = lines(config, workers=4, pictures=Pictures(train=100, val=20), measured=MEASURED)
    told = lines(found, workers=4, pictures=Pictures(train=100, val=20), measured=MEASURED)
    (line,) = set(told) - set(one)
    assert line.startswith("trials at once: measured on each kind of device before its first trial")
    assert line.endswith("counted here as one")


def test_more_workers_than_trials_are_not_at_work(config: StudyConfig) -> None:
    told = lines(config, workers=50, pictures=Pictures(train=100_000, val=0), measured=MEASURED)
    assert "with 6 at work" in told[-1]


def test_a_budget_of_hours_bounds_the_time(config: StudyConfig) -> None:
    budget = config.search.budget.model_copy(update={"gpu_hours": 0.5, "hours": 0.1})
    search = config.search.model_copy(update={"budget": budget})
    bounded = config.model_copy(update={"search": search})
    pictures = Pictures(train=1_000_000, val=0)
    told = lines(bounded, workers=2, pictures=pictures, measured=MEASURED)
    assert "or 0.5 GPU-hours or 0.1 hours, whichever comes first" in told[0]
    assert "at most 0.50 GPU-hours, 6 min with 2 at work" in told[-1]


def test_a_rehearsal_of_another_release_is_told_in_a_line() -> None:
    with pytest.raises(HpoError, match="images_per_second") as raised:
        read_rehearsal({"pace": 1})
    assert "\n" not in str(raised.value)
