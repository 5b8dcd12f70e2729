from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from study.attachments import ATTACHED, attributes, path_of
from study.paths import StudyPaths

PLACE = StudyPaths(Path("/artifacts/birds-2"))


@pytest.mark.parametrize("name", ATTACHED)
def test_an_id_is_a_path_in_letters_that_a_dashboard_takes(name: str) -> None:
    ((key, meta),) = attributes(PLACE, 7, [name]).items()
    artifact = json.loads(meta)
    assert key == f"artifacts:{artifact['artifact_id']}"
    assert re.fullmatch("[0-9a-f]+", artifact["artifact_id"])
    assert path_of(artifact["artifact_id"]) == f"birds-2/trials/00007/{name}"
    assert artifact["mimetype"] in ("image/png", "application/json")


@pytest.mark.parametrize(
    "path", ["birds/trials/7/../../x", "../trials/7/result.json", "birds/trials/7/weights.pt", "/"]
)
def test_an_id_of_any_other_file_is_none(path: str) -> None:
    assert path_of(path.encode().hex()) is None


@pytest.mark.parametrize("given", ["", "zz", "f", "ff", "0b3c9d9e-6f0e-4a53-8f0e-1d7b6d1f0a11"])
def test_what_is_no_path_is_none(given: str) -> None:
    assert path_of(given) is None
