"""Data sets that `datasets` itself wrote: to disk, as parquet, and into the hub's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.config.data import DataConfig
from study.errors import DataError
from study.hub import HubName, parse_hub
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import flowers, png, write_tree
from worker.data.source import open_source

datasets = pytest.importorskip("datasets", reason="the extra `huggingface` is not installed")

FILES = flowers(6)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's cache, of this test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


def rows(files: dict[str, bytes], **columns: list[Any]) -> Any:
    """Pictures by class, in the order of their names."""
    names = sorted({name.split("/")[0] for name in files})
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=names),
        **{name: datasets.Value("string") for name in columns},
    )
    return datasets.Dataset.from_dict(
        {
            "image": [{"bytes": files[name], "path": Path(name).name} for name in sorted(files)],
            "label": [name.split("/")[0] for name in sorted(files)],
            **columns,
        },
        features=features,
    )


def splits(**sizes: int) -> Any:
    return datasets.DatasetDict(
        {
            split: rows({name: png(100 * place + n) for n, name in enumerate(flowers(size))})
            for place, (split, size) in enumerate(sizes.items())
        }
    )


@pytest.mark.parametrize("kind", ["disk", "parquet"])
def test_a_saved_data_set_gives_the_store_of_its_files(
    kind: str, pack: Pack, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    if kind == "disk":
        rows(FILES).save_to_disk(folder)
    else:
        (folder / "data").mkdir(parents=True)
        rows(FILES).to_parquet(folder / "data/train-00000-of-00001.parquet")
    store = pack(folder)
    plain = pack(write_tree(tmp_path / "plain", FILES))
    assert store.manifest.classes == plain.manifest.classes
    assert sorted(map(bytes, store.pixels)) == sorted(map(bytes, plain.pixels))
    assert all(name.endswith(".png") for name in store.manifest.names)
    assert pack(folder).path == store.path


def test_splits_and_class_names_are_the_data_sets(pack: Pack, tmp_path: Path) -> None:
    splits(train=6, validation=2, test=3).save_to_disk(tmp_path / "saved")
    manifest = pack(tmp_path / "saved").manifest
    assert {name: part.size for name, part in manifest.splits.items()} == {
        "train": 12,
        "val": 4,
        "test": 6,
    }
    assert manifest.classes == ("daisy", "rose")


def test_a_split_of_another_name_and_rows_without_labels_are_told_of(tmp_path: Path) -> None:
    saved = splits(train=3, test=2, extra=2)
    bare = saved["test"].map(lambda row: {"label": -1 if row["image"] else 0}, batched=False)
    datasets.DatasetDict({**saved, "test": bare}).save_to_disk(tmp_path / "saved")
    listing = open_source(tmp_path / "saved").listing()
    assert {entry.split for entry in listing.entries} == {"train"}
    assert listing.notes == (
        "extra is neither train, val nor test: 4 pictures are not used",
        "test: 4 pictures without a label are not used",
    )


def test_a_column_of_text_can_be_the_class(tmp_path: Path) -> None:
    plain = rows(FILES).cast_column("label", datasets.Value("string"))
    plain = plain.map(lambda row: {"label": f"kind {row['label']}"})
    plain.save_to_disk(tmp_path / "saved")
    assert open_source(tmp_path / "saved").listing().classes == ("kind 0", "kind 1")


def test_a_changed_data_set_has_another_fingerprint(tmp_path: Path) -> None:
    rows(FILES).save_to_disk(tmp_path / "one")
    rows(flowers(7)).save_to_disk(tmp_path / "other")
    prints = [open_source(tmp_path / name).fingerprint() for name in ("one", "one", "other")]
    assert prints[0] == prints[1] != prints[2]


def test_a_data_set_without_pictures_or_labels_names_its_columns(tmp_path: Path) -> None:
    rows(FILES).remove_columns("label").save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"needs one column of kind ClassLabel, .* got image"):
        open_source(tmp_path / "saved")


def test_a_folder_that_only_looks_saved_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be loaded by datasets: ") as caught:
        open_source(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hf://a/b", HubName("a/b", None, None)),
        ("hf://a/b/full", HubName("a/b", "full", None)),
        ("hf://a/b/full@refs/convert/parquet", HubName("a/b", "full", "refs/convert/parquet")),
        ("hf://a/b@v1", HubName("a/b", None, "v1")),
    ],
)
def test_a_name_says_owner_configuration_and_revision(source: str, name: HubName) -> None:
    assert parse_hub(source) == name


@pytest.mark.parametrize("source", ["hf://", "hf://a", "hf://../b", "hf://a/b/c/d", "hf://a b/c"])
def test_what_is_no_name_of_the_hub_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"must be hf://OWNER/NAME"):
        DataConfig(source=source, image_size=16)


def test_a_data_set_in_the_hubs_cache_is_used_without_a_network(
    cache: Path, tmp_path: Path
) -> None:
    from datasets.packaged_modules.parquet.parquet import Parquet

    file = tmp_path / "train.parquet"
    rows(FILES).to_parquet(file)
    builder = Parquet(
        cache_dir=str(cache),
        dataset_name="flowers",
        hash="0123456789",
        data_files={"train": str(file)},
    )
    builder.download_and_prepare()
    kept = cache / "botanist___flowers/default/0.0.0/0123456789"
    kept.parent.mkdir(parents=True)
    Path(builder.cache_dir).rename(kept)  # as if it had come from there
    script = (
        "from worker.data.source import open_source\n"
        "source = open_source('hf://botanist/flowers')\n"
        "entries = source.listing().entries\n"
        "print(len(entries), entries[0].name, entries[0].label, len(source.read(entries[0].name)))"
    )
    ended = offline(script, cache)
    size = len(FILES["daisy/00.png"])
    assert ended.stdout == f"12 train/0000000/00.png daisy {size}\n", ended.stderr
    unknown = offline(script.replace("botanist/flowers", "botanist/trees"), cache)
    assert "give a folder it was saved to, or an HF_HOME that has it" in unknown.stderr


def offline(script: str, cache: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_CACHE": str(cache),
        },
        timeout=60,
        check=False,
    )
