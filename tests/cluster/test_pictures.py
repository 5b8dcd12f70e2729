"""Archives of folders that are really written and read."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest

from coordinator.cluster.laptop.pictures import Pictures, local_pictures
from study.errors import DataError
from tests.pictures import draw_classes
from worker.data.archive import Archive
from worker.data.folder import Folder


def sent(pictures: Pictures) -> bytes:
    content = io.BytesIO()
    pictures.write(content.write)
    return content.getvalue()


def test_a_folder_is_sent_as_an_archive_with_the_same_pictures(tmp_path: Path) -> None:
    folder = draw_classes(tmp_path / "pictures", per_class=3)
    pictures = local_pictures(folder, None)
    content = sent(pictures)
    assert len(content) == pictures.size
    assert hashlib.sha256(content).hexdigest() == pictures.sha256
    file = tmp_path / "sent.zip"
    file.write_bytes(content)
    archive, source = Archive(file, pictures.sha256), Folder(folder)
    archive.fingerprint()
    assert archive.listing() == source.listing()
    for entry in source.listing().entries:
        assert archive.read(entry.name) == source.read(entry.name)


def test_the_checksum_of_a_folder_is_of_names_and_contents_alone(tmp_path: Path) -> None:
    first = draw_classes(tmp_path / "first", per_class=2)
    second = draw_classes(tmp_path / "second", per_class=2)
    for file in second.rglob("*.png"):
        os.utime(file, (0, 0))
        file.chmod(0o600)
    assert local_pictures(first, None).sha256 == local_pictures(second, None).sha256
    (second / "class-0" / "000.png").rename(second / "class-0" / "zzz.png")
    assert local_pictures(first, None).sha256 != local_pictures(second, None).sha256


def test_an_empty_class_stays_a_mistake_that_is_noticed(tmp_path: Path) -> None:
    folder = draw_classes(tmp_path / "pictures", per_class=1)
    (folder / "empty").mkdir()
    with zipfile.ZipFile(io.BytesIO(sent(local_pictures(folder, None)))) as archive:
        assert "empty/" in archive.namelist()


def test_an_archive_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "pictures.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/1.png", b"1")
    pictures = local_pictures(file, None)
    assert sent(pictures) == file.read_bytes()
    assert local_pictures(file, pictures.sha256) == pictures
    with pytest.raises(DataError, match=f"data.sha256={'0' * 64}, got {pictures.sha256}"):
        local_pictures(file, "0" * 64)


@pytest.mark.parametrize(
    ("name", "sha256", "said"),
    [
        ("list.csv", None, "which the cluster does not see"),
        ("notes.txt", None, "unknown kind of source"),
        ("folder", "0" * 64, "remove it"),
    ],
)
def test_what_cannot_be_sent_is_named(
    name: str, sha256: str | None, said: str, tmp_path: Path
) -> None:
    place = tmp_path / name
    if place.suffix:
        place.write_text("path,label\na.png,a\n")
    else:
        place.mkdir()
    with pytest.raises(DataError, match=said):
        local_pictures(place, sha256)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pictures.zip"
    file.symlink_to(tmp_path / "nothing.zip")
    with pytest.raises(DataError, match=r"pictures\.zip: cannot be read"):
        local_pictures(file, None)
