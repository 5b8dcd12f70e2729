"""A trial's files through a real ledger, a real dashboard and HTTP."""

from __future__ import annotations

import io
import json
import threading
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urljoin

import pytest
from optuna.artifacts import download_artifact, get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound

from coordinator.attached import AttachedFiles
from coordinator.dashboard import dashboard
from study import paths
from study.attachments import attributes
from study.lease import Outcome
from study.ledger import Ledger
from study.mirror import of_artifacts
from study.paths import CURVES, RESULT
from study.registry import RegisteredStudy, Registry
from tests.coordinator.conftest import Past
from tests.s3 import FakeS3

PICTURE = b"\x89PNG of curves"
UPLOADED = "0b3c9d9e-6f0e-4a53-8f0e-1d7b6d1f0a11"


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """HPO_ARTIFACTS."""
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


@pytest.fixture
def trial_id(root: Path, registry: Registry, study: RegisteredStudy, past: Past) -> int:  # noqa: ARG001
    """A complete trial that has left two files."""
    lease, place = past.begin(), paths.artifacts(study.name)
    place.trial(lease.number).mkdir(parents=True)
    (place.trial(lease.number) / CURVES).write_bytes(PICTURE)
    (place.trial(lease.number) / RESULT).write_text("{}")
    Ledger(registry.engine, study.study_id, lease.worker).finish(
        lease,
        Outcome.COMPLETE,
        value=0.5,
        system_attributes=attributes(place, lease.number, (CURVES, RESULT)),
    )
    return lease.trial_id


def test_optuna_lists_the_files_of_a_trial_and_downloads_them(
    root: Path, registry: Registry, trial_id: int, tmp_path: Path
) -> None:
    trial = registry.storage.get_trial(trial_id)
    metas = get_all_artifact_meta(trial, storage=registry.storage)
    assert [(meta.filename, meta.mimetype) for meta in metas] == [
        (CURVES, "image/png"),
        (RESULT, "application/json"),
    ]
    target = tmp_path / "downloaded.png"
    download_artifact(
        artifact_store=AttachedFiles(root, None),
        artifact_id=metas[0].artifact_id,
        file_path=str(target),
    )
    assert target.read_bytes() == PICTURE


def test_a_read_only_dashboard_shows_the_files_of_a_trial(
    root: Path, registry: Registry, study: RegisteredStudy, trial_id: int
) -> None:
    client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with dashboard(registry.storage, AttachedFiles(root, None)) as (server, url):
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            client.open(url, timeout=30).close()  # the token becomes a cookie
            asked = urljoin(url, f"/api/studies/{study.study_id}?after=0")
            with client.open(asked, timeout=30) as answer:
                (trial,) = json.load(answer)["trials"]
            assert [file["filename"] for file in trial["artifacts"]] == [CURVES, RESULT]
            curves = trial["artifacts"][0]["artifact_id"]
            file = urljoin(url, f"/artifacts/{study.study_id}/{trial_id}/{curves}")
            with client.open(file, timeout=30) as answer:
                assert answer.read() == PICTURE
                assert answer.headers["Content-Type"] == "image/png"
            with pytest.raises(HTTPError, match="403"):
                client.open(urllib.request.Request(file, method="DELETE"), timeout=30)
        finally:
            server.shutdown()
            thread.join()


def test_a_file_that_is_not_here_comes_from_the_object_store(
    s3: FakeS3,  # noqa: ARG001 - set up first
    root: Path,
    trial_id: int,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HPO_ARTIFACTS_URL", "s3://bucket/artifacts")
    mirror = of_artifacts()
    assert mirror is not None
    (file,) = root.glob(f"*/trials/*/{CURVES}")
    mirror.upload(file)
    file.unlink()
    artifact_id = file.relative_to(root).as_posix().encode().hex()
    with AttachedFiles(root, mirror).open_reader(artifact_id) as content:
        assert content.read() == PICTURE


def test_what_a_person_adds_is_kept_beside_the_studies(root: Path) -> None:
    files = AttachedFiles(root, None)
    files.write(UPLOADED, io.BytesIO(b"a note"))
    with files.open_reader(UPLOADED) as content:
        assert content.read() == b"a note"
    files.remove(UPLOADED)
    with pytest.raises(ArtifactNotFound):
        files.open_reader(UPLOADED)


@pytest.mark.parametrize("path", ["birds/trials/00000/curves.png", "../etc/passwd"])
def test_a_file_that_is_nowhere_is_not_found(root: Path, path: str) -> None:
    with pytest.raises(ArtifactNotFound):
        AttachedFiles(root, None).open_reader(path.encode().hex())
