"""Versions on disk: found by a study's name or their folder, and told from damaged ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from study import paths
from study.errors import CheckpointCorrupt, UsageError
from study.promotion import PromotedManifest, describe_file, find_promoted, verify


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In use by the study birds."""
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.chdir(tmp_path)
    place = paths.artifacts("birds")
    folder = place.version(1)
    folder.mkdir(parents=True)
    (folder / "weights.pt").write_bytes(b"weights")
    manifest = PromotedManifest(
        study="birds",
        version=1,
        trial=4,
        store="f" * 64,
        candidates=(4, 2),
        created="2026-01-01T00:00:00+00:00",
        files={"weights.pt": describe_file(folder / "weights.pt")},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    place.latest.symlink_to("0001")
    return folder


def test_a_study_names_its_version_in_use_and_a_path_any_version(version: Path) -> None:
    assert find_promoted("birds") == version
    assert find_promoted("artifacts/birds/promoted/latest") == version
    assert find_promoted(f"{version}/") == version
    assert verify(version).trial == 4


def test_a_study_without_a_version_lists_those_that_have_one(version: Path) -> None:
    told = r"no promoted model of a study 'bids'; did you mean birds\? valid: birds"
    with pytest.raises(UsageError, match=told):
        find_promoted("bids")
    (version.parent / "latest").unlink()
    with pytest.raises(UsageError, match=r"give a version's folder, with a manifest\.json"):
        find_promoted("birds")


def test_a_name_like_no_other_may_be_a_clusters_and_is_said_how_to_copy(version: Path) -> None:
    (version.parent / "latest").unlink()
    told = r"deployment/coordinator -- tar -chf - -C '/artifacts/my birds/promoted' latest \|"
    with pytest.raises(UsageError, match=told):
        find_promoted("my birds")


@pytest.mark.parametrize("folder", ["./artifacts", "..", "/nowhere"])
def test_a_folder_without_a_manifest_is_no_version(version: Path, folder: str) -> None:
    assert version.is_dir()
    with pytest.raises(UsageError, match=r"no promoted model: no manifest\.json in it"):
        find_promoted(folder)


def test_a_changed_file_is_told_with_both_checksums(version: Path) -> None:
    (version / "weights.pt").write_bytes(b"others")
    told = r"weights\.pt does not match its checksum: the manifest has \w{12}, the file \w{12}"
    with pytest.raises(CheckpointCorrupt, match=told):
        verify(version)
