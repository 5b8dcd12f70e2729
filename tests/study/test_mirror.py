"""Files go to an object store and come back; the server is spoken to over HTTP."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from study import mirror, object_store
from study.errors import ObjectStoreAway, UsageError
from study.mirror import Mirror, of_artifacts
from tests.s3 import KEY_ID, SECRET, FakeS3


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path))
    monkeypatch.setenv("HPO_ARTIFACTS_URL", "s3://bucket/some/prefix/")


def opened() -> Mirror:
    found = of_artifacts()
    assert found is not None
    return found


@pytest.fixture
def copy(s3: FakeS3) -> Mirror:  # noqa: ARG001 - set up first
    return opened()


def test_without_an_url_there_is_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPO_ARTIFACTS_URL", raising=False)
    assert of_artifacts() is None


def test_a_file_comes_back_as_it_went_however_large(
    s3: FakeS3, copy: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "PART", 5 * 2**20)  # the least S3 takes
    content = bytes(range(256)) * 50_000
    file, turns = tmp_path / "birds" / "trials" / "a file.pt", []
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    copy.upload(file)
    assert s3.objects == {"some/prefix/birds/trials/a file.pt": content}
    file.unlink()
    assert copy.fetch(file, lambda: turns.append(1))
    assert file.read_bytes() == content
    assert len(turns) == 3


def test_all_files_of_a_folder_are_listed_and_removed(
    s3: FakeS3, copy: Mirror, tmp_path: Path
) -> None:
    files = [tmp_path / "a" / name for name in ("1", "2", "3", "4", "b/5")]
    for file in [*files, tmp_path / "aa"]:
        copy.upload(file, b"x")
    assert copy.files(tmp_path / "a") == files
    copy.remove([*files, tmp_path / "never-there"])
    assert s3.keys() == ["some/prefix/aa"]


def test_what_is_not_there_is_no_error(copy: Mirror, tmp_path: Path) -> None:
    assert not copy.has(tmp_path / "none")
    assert not copy.fetch(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert copy.files(tmp_path / "none") == []
    copy.remove([])


def test_a_short_outage_is_waited_out(s3: FakeS3, copy: Mirror, tmp_path: Path) -> None:
    s3.down = True

    def come_up() -> None:
        while not s3.refused:
            threading.Event().wait(0.01)
        s3.down = False

    helper = threading.Thread(target=come_up)
    helper.start()
    copy.upload(tmp_path / "a", b"x")
    helper.join()
    assert s3.refused >= 1
    assert s3.keys() == ["some/prefix/a"]


def test_a_long_outage_is_told_without_the_secret(
    s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "RETRY_TIMEOUT", timedelta(seconds=0.3))
    copy = opened()
    s3.down = True
    with pytest.raises(ObjectStoreAway, match=r"the object store: .*503") as caught:
        copy.upload(tmp_path / "a", b"x")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    with pytest.raises(ObjectStoreAway):
        copy.check("HPO_ARTIFACTS_URL")  # which may be over soon, and is no mistake of a person


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HPO_ARTIFACTS_URL", "s3://nowhere/x", "HPO_ARTIFACTS_URL: cannot be written: .*404"),
        ("AWS_ACCESS_KEY_ID", "stranger", "HPO_ARTIFACTS_URL: cannot be written: .*403"),
        ("HPO_ARTIFACTS_URL", "nonsense", "HPO_ARTIFACTS_URL: "),
    ],
)
@pytest.mark.usefixtures("s3")
def test_a_place_that_cannot_be_written_is_a_mistake_of_a_person(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=said) as caught:
        opened().check("HPO_ARTIFACTS_URL")
    assert "\n" not in str(caught.value)


def test_credentials_are_read_from_a_mounted_secret(
    s3: FakeS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    monkeypatch.setenv("HPO_S3_CREDENTIALS", str(folder))
    for name, value in (("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET)):
        monkeypatch.delenv(name)
        with pytest.raises(UsageError, match=r"HPO_S3_CREDENTIALS: .*No such file"):
            of_artifacts()
        (folder / name).write_text(f"{value}\n")
    opened().upload(tmp_path / "a", b"x")
    assert s3.keys() == ["some/prefix/a"]
