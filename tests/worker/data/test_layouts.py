"""The five studies' pictures in the layouts they unpack to, packed as docs/data.md says."""

from __future__ import annotations

import re
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from study.config.load import read_study
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import encoded, png, write_tree, write_zip
from tests.worker.data.test_alike import scene

DOCUMENT = Path(__file__).parents[3] / "docs/data.md"
STUDY = "name: any\nsearch: {budget: {trials: 1}}\n"


def sections() -> list[str]:
    """The documented examples, in order."""
    return re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


def pictures(folders: Iterable[str], classes: Iterable[str], count: int) -> dict[str, bytes]:
    """Different pictures in each class of each folder."""
    names = [
        f"{above}/{one}/{n}_{one}.png" for above in folders for one in classes for n in range(count)
    ]
    return {name: png(seed, 20, 20) for seed, name in enumerate(names)}


def settings(source: str) -> dict[str, object]:
    """The documented section whose source has that name."""
    (section,) = (one for one in sections() if f"source: {source}" in one)
    data = read_study((STUDY + section).encode(), Path("any.yaml")).data
    return data.model_dump(exclude={"source", "image_size", "store_size"})


@pytest.mark.parametrize("section", sections())
def test_every_example_is_a_valid_section(section: str) -> None:
    read_study((STUDY + section).encode(), Path("any.yaml"))


def test_pokemon_keeps_a_drawing_that_comes_back_in_several_games_in_one_split(
    pack: Pack, tmp_path: Path
) -> None:
    files = {
        f"pokemon/{label}/{game}_{view}.png": encoded(scene(10 * place + view), "JPEG", quality=q)
        for place, label in enumerate(("bulbasaur", "ivysaur"))
        for view in range(8)
        for game, q in (("gold", 95), ("silver", 70), ("crystal", 50))
    }
    store = pack(write_zip(tmp_path / "pokemon.zip", files), **settings("pokemon.zip"))
    splits = defaultdict(set)
    for split, rows in store.manifest.splits.items():
        for name in store.manifest.names[rows.start : rows.stop]:
            _, label, file = name.split("/")
            splits[label, file.split("_")[1]].add(split)
    assert len(splits) == 16
    assert all(len(where) == 1 for where in splits.values())
    assert {split for where in splits.values() for split in where} == {"train", "val", "test"}


def test_inaturalist_keeps_its_val_folder_as_the_test_split(pack: Pack, tmp_path: Path) -> None:
    above = "inaturalist_12K"
    files = pictures([f"{above}/train"], ("Amphibia", "Aves"), 10)
    files |= pictures([f"{above}/train", f"{above}/val"], ("Amphibia", "Aves"), 10)
    store = pack(write_zip(tmp_path / "nature_12K.zip", files), **settings("nature_12K.zip"))
    assert {name: rows.class_counts for name, rows in store.manifest.splits.items()} == {
        "train": (8, 8),
        "val": (2, 2),
        "test": (10, 10),
    }
    test = store.manifest.splits["test"]
    assert all("/val/" in name for name in store.manifest.names[test.start : test.stop])


def test_birds_bring_train_and_val_and_get_a_test_split(pack: Pack, tmp_path: Path) -> None:
    folders = ("training_set/training_set", "validation_set/validation_set")
    tree = write_tree(tmp_path / "birds", pictures(folders, ("crow", "robin"), 10))
    splits = pack(tree, **settings("birds")).manifest.splits
    assert {name: rows.size for name, rows in splits.items()} == {"train": 18, "val": 20, "test": 2}


def test_animals_come_in_an_archive_of_any_kind(pack: Pack, tmp_path: Path) -> None:
    files = pictures(["animals"], ("cats", "dogs", "panda"), 8)
    zipped = pack(write_zip(tmp_path / "animals.zip", files), **settings("animals.zip"))
    tree = write_tree(tmp_path / "tree", files)
    with tarfile.open(tmp_path / "animals.tgz", "w:gz") as archive:
        archive.add(tree / "animals", "animals")
    assert pack(tmp_path / "animals.tgz", **settings("animals.zip")).path == zipped.path
    assert zipped.manifest.classes == ("cats", "dogs", "panda")


def test_of_the_simpsons_the_largest_twenty_are_used(pack: Pack, tmp_path: Path) -> None:
    names = [f"character_{number:02d}" for number in range(42)]
    files: dict[str, bytes] = {}
    for number, name in enumerate(names):
        files |= pictures(["simpsons_dataset"], [name], 5 if number % 2 else 4)
    files |= {name.replace("set/", "set/simpsons_dataset/", 1): files[name] for name in files}
    files |= {f"kaggle_simpson_testset/kaggle_simpson_testset/{n}.jpg": png(n) for n in range(3)}
    manifest = pack(write_tree(tmp_path / "simpsons", files), **settings("simpsons")).manifest
    assert manifest.classes == tuple(names[1:41:2])
    assert len(manifest.names) == 100
    assert manifest.notes[:2] == (
        "kaggle_simpson_testset/ has no class folders: 3 pictures are not used",
        "simpsons_dataset/simpsons_dataset/ repeats the folders beside it: 189 pictures are not "
        "used",
    )
    assert manifest.notes[2] == "data.classes leaves out 22 of 42 classes"
