"""What is packed of raw pictures, and what is refused."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.errors import DataError
from study.paths import DataPaths
from tests.worker.data.conftest import Pack, config, quiet
from tests.worker.data.pictures import encoded, flowers, png, smooth, write_tree, write_zip
from tests.worker.data.test_alike import scene
from worker.data import chunks
from worker.data.decode import decode
from worker.data.prepare import prepare
from worker.data.store import Store


def test_rows_are_the_decoded_pictures_in_train_val_test_order(pack: Pack, tmp_path: Path) -> None:
    files = flowers(10)
    store = pack(write_tree(tmp_path / "flowers", files))
    manifest = store.manifest
    assert manifest.classes == ("daisy", "rose")
    assert sorted(manifest.names) == sorted(files)
    assert [(name, part.start, part.stop) for name, part in manifest.splits.items()] == [
        ("train", 0, 12),
        ("val", 12, 16),
        ("test", 16, 20),
    ]
    for row, name in enumerate(manifest.names):
        np.testing.assert_array_equal(store.pixels[row], decode(files[name], 16, 3, "crop").pixels)
        assert manifest.classes[store.labels[row]] == name.split("/")[0]


def test_mean_and_std_are_those_of_the_train_split(pack: Pack, tmp_path: Path) -> None:
    store = pack(write_tree(tmp_path / "flowers", flowers(10)))
    train = store.pixels[: store.manifest.splits["train"].stop] / 255
    np.testing.assert_allclose(store.manifest.mean, train.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(store.manifest.std, train.std(axis=(0, 1, 2)))


def test_a_single_colour_has_a_std_that_can_be_divided_by(pack: Pack, tmp_path: Path) -> None:
    black = encoded(Image.new("RGB", (9, 9)), "PNG")
    files = {f"{label}/{n}.png": black + bytes([n, len(label)]) for label in "ab" for n in range(4)}
    files = {name: content + name.encode() for name, content in files.items()}  # no two equal
    assert pack(write_tree(tmp_path / "f", files)).manifest.std == (1 / 255,) * 3


@pytest.mark.parametrize("kind", ["folder", "archive", "list"])
def test_every_kind_of_source_gives_the_same_store(
    kind: str, root: DataPaths, tmp_path: Path
) -> None:
    files = flowers(5)
    tree = write_tree(tmp_path / "flowers", files)
    reference = prepare(config(tree), root, processes=1, progress=quiet)
    source = tree
    if kind == "archive":
        source = write_zip(tmp_path / "flowers.zip", files)
    if kind == "list":
        source = tree / "list.csv"
        source.write_text("path,label\n" + "".join(f"{n},{n.split('/')[0]}\n" for n in files))
    assert prepare(config(source), root, processes=1, progress=quiet) == reference
    assert Store.open(reference).manifest.source == str(source)


def test_broken_files_are_quarantined_and_odd_ones_converted(pack: Pack, tmp_path: Path) -> None:
    files = flowers(6) | {
        "rose/empty.png": b"",
        "rose/text.jpg": b"no picture",
        "rose/cut.png": png(1, 200, 200)[:3000],
        "rose/cmyk.jpg": encoded(smooth(2).convert("CMYK"), "JPEG"),
        "rose/README.txt": b"not even named like a picture",
    }
    manifest = pack(write_tree(tmp_path / "flowers", files)).manifest
    reasons = {file.name: file.reason for file in manifest.quarantined}
    assert set(reasons) == {"rose/empty.png", "rose/text.jpg", "rose/cut.png"}
    assert reasons["rose/empty.png"] == "zero bytes"
    assert [(file.name, file.change) for file in manifest.converted] == [
        ("rose/cmyk.jpg", "CMYK to RGB")
    ]
    assert "rose/cmyk.jpg" in manifest.names
    assert not set(reasons) & set(manifest.names)


def test_a_listed_file_that_is_not_there_is_quarantined(pack: Pack, tmp_path: Path) -> None:
    files = flowers(4)
    write_tree(tmp_path, files)
    listed = [*files, "rose/gone.png"]
    table = tmp_path / "list.csv"
    table.write_text("path,label\n" + "".join(f"{n},{n.split('/')[0]}\n" for n in listed))
    (gone,) = pack(table).manifest.quarantined
    assert gone.name == "rose/gone.png"
    assert "No such file" in gone.reason


def test_duplicates_are_reported_across_classes_and_splits(pack: Pack, tmp_path: Path) -> None:
    files = {f"train/{name}": content for name, content in flowers(6).items()}
    files |= {"test/rose/leak.png": files["train/daisy/00.png"], "test/daisy/new.png": png(77)}
    manifest = pack(write_tree(tmp_path / "f", files), split={"val": 0.2}).manifest
    (found,) = manifest.duplicates
    assert found.names == ("test/rose/leak.png", "train/daisy/00.png")
    assert found.classes == ("daisy", "rose")
    assert "test" in found.splits
    assert len(found.splits) == 2


def test_near_duplicates_stay_together_where_that_is_asked(pack: Pack, tmp_path: Path) -> None:
    scenes = [scene(seed) for seed in range(24)]
    files = {
        f"{'ab'[seed % 2]}/{seed:02d}_{kind}": encoded(image, kind, **options)
        for seed, image in enumerate(scenes)
        for kind, options in (("PNG", {}), ("JPEG", {"quality": 60}))
    }
    source = write_tree(tmp_path / "f", {f"{name.lower()}.png": files[name] for name in files})
    torn = {True: 0, False: 0}
    for near in torn:
        split = {"keep_together": "near" if near else "exact", "val": 0.3, "test": 0.2}
        manifest = pack(source, image_size=64, split=split).manifest
        where = defaultdict(set)
        for split_name, rows in manifest.splits.items():
            for name in manifest.names[rows.start : rows.stop]:
                where[name.split("/")[1][:2]].add(split_name)
        torn[near] = sum(len(splits) > 1 for splits in where.values())
        assert len(where) == 24
        said = "48 pictures are nearly the same as another and stay together, in 24 sets of up to 2"
        assert manifest.notes == ((said,) if near else ())
    assert torn[True] == 0
    assert torn[False] > 5


def test_groups_that_near_duplicates_join_into_one_are_named_with_the_way_out(
    pack: Pack, tmp_path: Path
) -> None:
    image = scene(1)
    files = {
        f"{label}/{game}_{number}.png": encoded(scene(10 * number + kind), "PNG")
        for kind, label in enumerate("ab")
        for number, game in enumerate(("ruby", "gold", "blue"), 1)
    }
    files |= {f"a/{game}_again.png": encoded(image, "PNG") for game in ("ruby", "gold", "blue")}
    split = {"keep_together": "near", "group": "^([^_]+)_"}
    with pytest.raises(DataError, match=r"choose smaller groups .*they join 3 groups into 1"):
        pack(write_tree(tmp_path / "f", files), image_size=64, split=split)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no pictures found"),
        ({"rose/1.png": png(1), "rose/2.png": png(2)}, "needs two classes, got only 'rose'"),
        (
            {f"{label}/{n}.png": b"" for label in ("daisy", "rose") for n in range(2)},
            "no usable pictures, 4 of 4 files cannot be used, first daisy/0.png: zero bytes",
        ),
        ({**flowers(3), "tulip/1.png": b"", "tulip/2.png": b"?"}, "no usable pictures of tulip"),
        ({**flowers(3), "tulip/1.png": png(1)}, "'tulip' has one usable picture"),
        ({**flowers(3), "tulip/1.png": png(1), "tulip/2.png": b""}, "'tulip' has one usable"),
    ],
)
def test_unusable_data_sets_are_refused_and_nothing_is_published(
    files: dict[str, bytes], message: str, root: DataPaths, tmp_path: Path
) -> None:
    source = tmp_path / "flowers"
    source.mkdir()
    with pytest.raises(DataError, match=message) as caught:
        prepare(config(write_tree(source, files)), root, processes=1, progress=quiet)
    assert "\n" not in str(caught.value)
    assert not (root.root / "stores").exists()
    assert not (root.root / "recipes").exists()
    assert not list(root.root.glob("work/*/"))


def test_a_changed_source_or_setting_gives_another_store(pack: Pack, tmp_path: Path) -> None:
    source = write_tree(tmp_path / "flowers", flowers(4))
    stores = {pack(source).path, pack(source, image_size=8).path, pack(source, fit="pad").path}
    write_tree(source, {"rose/new.png": png(99)})
    stores.add(pack(source).path)
    assert len(stores) == 4
    # What is read from the store does not depend on these:
    assert pack(source, loader="resident").path in stores
    assert pack(source, image_size=8, store_size=16).path in stores


def test_several_processes_decode_the_same(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_PICTURES", 5)
    source = write_tree(tmp_path / "flowers", flowers(10))
    alone = pack(source)
    other = DataPaths(tmp_path / "other")
    together = prepare(config(source), other, processes=2, progress=quiet)
    assert together.name == alone.path.name
