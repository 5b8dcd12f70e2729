from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from pathlib import Path

import pytest

from study.errors import DataError
from tests.worker.data.pictures import flowers, write_tree, write_zip
from worker.data.source import open_source


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_folder_and_archive_list_and_read_the_same(kind: str, tmp_path: Path) -> None:
    files = flowers(2)
    path = (
        write_tree(tmp_path / "f", files)
        if kind == "folder"
        else write_zip(tmp_path / "f.zip", files)
    )
    source = open_source(path)
    assert [entry.name for entry in source.listing().entries] == sorted(files)
    assert {name: source.read(name) for name in files} == files
    source.close()


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: no such folder or file"):
        open_source(tmp_path / "nowhere")


def test_a_source_that_cannot_be_asked_for_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        open_source(tmp_path / ("x" * 300))
    with pytest.raises(DataError, match=r"no such folder or file") as caught:
        open_source(tmp_path / "a\nb")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["flowers.rar", "flowers.7z", "flowers"])
def test_an_unknown_kind_of_source_says_what_is_known(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"?")
    with pytest.raises(DataError, match=r"unknown kind of source .* an archive \(.* or a \.csv"):
        open_source(tmp_path / name)


def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.zip").write_bytes(b"not a zip")
    with pytest.raises(DataError, match=r"not a readable \.zip archive"):
        open_source(tmp_path / "f.zip")


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "rose/../../a.png", "C:/a.png", "rose\\a.png"]
)
def test_a_member_that_leaves_the_archive_refuses_the_whole(name: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "f.zip", {**flowers(2), name: b"x"})
    with pytest.raises(DataError, match=r"f\.zip: refused, member"):
        open_source(path)


def test_a_link_in_an_archive_refuses_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    link = zipfile.ZipInfo("rose/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a symbolic link"):
        open_source(path)


def test_an_archive_with_two_members_of_one_name_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "f.zip", {**flowers(2), "./rose//00.png": b"x"})
    with pytest.raises(DataError, match=r"refused, two members are named 'rose/00\.png'"):
        open_source(path)


def test_members_are_found_however_their_names_are_written(tmp_path: Path) -> None:
    files = flowers(2)
    path = write_zip(tmp_path / "f.zip", {f".//{name}": files[name] for name in files})
    source = open_source(path)
    assert {entry.name: source.read(entry.name) for entry in source.listing().entries} == files
    source.close()


def test_an_archive_whose_names_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "f.zip", {"rose/\xe9.png": b""})
    path.write_bytes(path.read_bytes().replace("\xe9".encode(), b"\xff\xfe"))
    with pytest.raises(DataError, match=r"not a readable \.zip archive"):
        open_source(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_an_error_of_that_file(method: int, tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("rose/00.png", flowers(1)["rose/00.png"])
    whole = path.read_bytes()
    for place in range(70, 200, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        source = open_source(path)
        with pytest.raises((OSError, ValueError)):
            source.read("rose/00.png")
        source.close()


def test_an_archive_must_have_its_checksum(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "f.zip", flowers(2))
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    source = open_source(path, right)
    assert source.fingerprint() == right
    source.close()
    wrong = open_source(path, "0" * 64)
    with pytest.raises(DataError, match=rf"must be data\.sha256=0{{64}}, got {right}"):
        wrong.fingerprint()
    wrong.close()


def test_a_checksum_of_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.sha256 is for archives"):
        open_source(tmp_path, "0" * 64)


def test_a_folder_has_another_fingerprint_after_any_change(tmp_path: Path) -> None:
    write_tree(tmp_path, flowers(2))
    picture = tmp_path / "rose/00.png"
    seen = {open_source(tmp_path).fingerprint(), open_source(tmp_path).fingerprint()}
    os.utime(picture, ns=(1, 1))
    seen.add(open_source(tmp_path).fingerprint())
    picture.rename(tmp_path / "rose/new.png")
    seen.add(open_source(tmp_path).fingerprint())
    (tmp_path / "tulip").mkdir()
    seen.add(open_source(tmp_path).fingerprint())
    assert len(seen) == 4


def test_a_folder_that_links_to_itself_ends(tmp_path: Path) -> None:
    write_tree(tmp_path, flowers(2))
    (tmp_path / "rose/again").symlink_to(tmp_path, target_is_directory=True)
    assert len(open_source(tmp_path).listing().entries) == 4


def test_a_link_to_nowhere_and_a_pipe_are_errors_of_those_files(tmp_path: Path) -> None:
    write_tree(tmp_path, flowers(2))
    (tmp_path / "rose/nowhere.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "rose/pipe.png")
    source = open_source(tmp_path)
    source.fingerprint()
    assert len(source.listing().entries) == 6
    with pytest.raises(FileNotFoundError):
        source.read("rose/nowhere.png")
    with pytest.raises(ValueError, match="not a regular file"):
        source.read("rose/pipe.png")


@pytest.mark.parametrize("name", ["rose/\udcff.png", "\udcff/1.png"])
def test_a_name_that_is_not_text_is_refused(name: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {**flowers(2), name: b"x"})
    with pytest.raises(DataError, match=r"\\udcff.*: names must be UTF-8: rename it"):
        open_source(tmp_path).fingerprint()


def test_a_file_that_is_no_picture_may_be_named_anything(tmp_path: Path) -> None:
    write_tree(tmp_path, {**flowers(2), "rose/\udcff.txt": b"x"})
    open_source(tmp_path).fingerprint()


@pytest.mark.parametrize("name", ["gone.png", "x" * 5000, "nul\0", "file/below.png"])
def test_a_listed_file_that_cannot_be_asked_for_is_an_error_of_that_file(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    source = open_source(table(tmp_path, f"path,label\n{name},rose\n"))
    source.fingerprint()
    with pytest.raises((OSError, ValueError)):
        source.read(name)


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(text)
    return path


def test_a_list_gives_labels_splits_and_groups(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,split,group\nb.png,rose,validation,g1\na.png,daisy,,\n")
    entries = open_source(path).listing().entries
    assert [(e.name, e.label, e.split, e.group) for e in entries] == [
        ("a.png", "daisy", None, None),
        ("b.png", "rose", "val", "g1"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,rose\n", r"list\.csv:1: the columns must be path, label"),
        ("", r"list\.csv:1: the columns must be .* got none"),
        ("path,label,label\na.png,rose,\n", r"list\.csv:1: the columns must be .* label, label"),
        ("path,label\na.png,\n", r"list\.csv:2: label is empty"),
        ("path,label\na.png\n", r"list\.csv:2: label is empty"),
        ("path,label\na.png,rose,x\n", r"list\.csv:2: more values than columns"),
        ("path,label,split\na.png,rose,dev\n", r"list\.csv:2: split must be .* got 'dev'"),
        ("path,label\na.png,rose\na.png,daisy\n", r"list\.csv:3: .* also in line 2"),
    ],
)
def test_a_mistake_in_a_list_names_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        open_source(table(tmp_path, text)).listing()
