"""Archives of every format, and what harm they may be made to do."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.errors import DataError
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import flowers, write_tree, write_zip
from worker.data import inflated
from worker.data.inflated import InflatedFile
from worker.data.source import open_source

MODES = {"f.tar": "w", "f.tar.gz": "w:gz", "f.tgz": "w:gz"}


def write_tar(target: Path, files: Mapping[str, bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(target, MODES.get(target.name, "w")) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return target


@pytest.mark.parametrize("name", MODES)
def test_a_tar_lists_and_reads_what_was_put_in(name: str, tmp_path: Path) -> None:
    files = flowers(3) | {f"rose/{'long' * 40}.png": b"a name too long for the first format"}
    source = open_source(write_tar(tmp_path / name, files))
    assert [entry.name for entry in source.listing().entries] == sorted(files)
    assert {name: source.read(name) for name in reversed(files)} == files
    source.close()


@pytest.mark.parametrize("name", MODES)
def test_a_tar_gives_the_store_of_its_folder(name: str, pack: Pack, tmp_path: Path) -> None:
    files = flowers(4)
    reference = pack(write_tree(tmp_path / "flowers", files))
    assert pack(write_tar(tmp_path / name, files)).path == reference.path


def test_an_archive_is_known_by_its_bytes_whatever_it_is_called(tmp_path: Path) -> None:
    files = flowers(2)
    sent = write_tar(tmp_path / "f.tgz", files).rename(tmp_path / "checksum.zip")
    zipped = write_zip(tmp_path / "f.zip", files).rename(tmp_path / "other.tar")
    for path in (sent, zipped):
        source = open_source(path)
        assert len(source.listing().entries) == 4
        source.close()


@pytest.mark.parametrize("name", ["/etc/a.png", "../a.png", "rose/../../a.png", "C:/a.png"])
def test_a_member_that_leaves_a_tar_refuses_the_whole(name: str, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "f.tar", {**flowers(2), name: b"x"})
    with pytest.raises(DataError, match=r"f\.tar: refused, member"):
        open_source(path)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (tarfile.SYMTYPE, "is a symbolic link"),
        (tarfile.LNKTYPE, "is a hard link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a pipe"),
    ],
)
def test_what_is_no_file_refuses_the_whole(kind: bytes, what: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo("rose/link.png")
    member.type, member.linkname = kind, "/etc/passwd"
    path = write_tar(tmp_path / "f.tar", flowers(2), member)
    with pytest.raises(DataError, match=what):
        open_source(path)


def corrupted(header: bytes) -> bytes:
    """A first member of minus 512 bytes, which would be read for ever."""
    size = (-512).to_bytes(12, "big", signed=True)
    wrong = header[:124] + size + header[136:]
    blank = wrong[:148] + b" " * 8 + wrong[156:512]
    return wrong[:148] + f"{sum(blank):06o}\0 ".encode() + wrong[156:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda tar: tar[:1500],
        corrupted,
        lambda tar: tar[:1536] + corrupted(tar[1536:]),
        lambda tar: tar[:600] + b"?" * 1500,
    ],
)
def test_a_damaged_tar_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write_tar(tmp_path / "f.tar", dict.fromkeys(flowers(3), b"x" * 700))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"not a readable \.tar archive"):
        open_source(path)


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "f.tar.gz", flowers(3))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"not a readable \.tar\.gz archive: "):
        open_source(path)


def test_an_archive_that_expands_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflated, "ALLOWANCE", 2**16)
    path = write_tar(tmp_path / "f.tgz", {"rose/bomb.png": bytes(2**23)})
    with pytest.raises(DataError, match="expands to more than 200 times its size"):
        open_source(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "f.tar", {**flowers(2), "./rose//00.png": b"x"})
    with pytest.raises(DataError, match=r"refused, two members are named 'rose/00\.png'"):
        open_source(path)


@pytest.fixture(scope="module")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A gzip file of two streams with zeros behind, and its content."""
    content = np.random.default_rng(0).integers(0, 4, 3 * 2**20, dtype=np.uint8).tobytes()
    path = tmp_path_factory.mktemp("gzip") / "content.gz"
    half = len(content) // 2
    path.write_bytes(
        gzip.compress(content[:half], 1) + gzip.compress(content[half:], 1) + bytes(999)
    )
    return path, content


@settings(max_examples=20)
@given(
    places=st.lists(st.tuples(st.integers(0, 3 * 2**20 + 9), st.integers(0, 9999)), max_size=12),
    gap=st.sampled_from([2**16, 2**20]),
    most=st.sampled_from([2, 512]),
)
def test_any_place_of_a_gzip_reads_as_if_it_were_not_compressed(
    places: list[tuple[int, int]], gap: int, most: int, compressed: tuple[Path, bytes]
) -> None:
    path, content = compressed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflated, "GAP", gap)
        patch.setattr(inflated, "MOST_COPIES", most)
        file = InflatedFile(path)
        for start, size in places:
            assert file.read_at(start, size) == content[start : start + size]
        file.close()
