"""Exported files, run by torch and onnxruntime on pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from study.errors import HpoError, UsageError
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.inspection import export as exporting

from .conftest import Verb


def test_both_files_answer_as_the_checkpoint_for_any_number_of_pictures(
    verb: Verb, promoted: Path, shapes_store: Path, home: Path
) -> None:
    ended = verb("export", promoted)
    folder = home / "artifacts" / "shapes" / "used" / "0001" / "export"
    assert ended.out.split() == [str(folder / "model.onnx"), str(folder / "model.pt2")]
    assert ended.err.count("checked on 27 pictures: answers differ by at most ") == 2
    assert sorted(file.name for file in folder.iterdir()) == ["model.onnx", "model.pt2"]
    pixels = Store.open(shapes_store).pixels[:5]
    wanted = Classifier(promoted, device="cpu").judge(pixels)
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", providers=["CPUExecutionProvider"]
    )
    program = torch.export.load(folder / "model.pt2").module()
    (inside,) = onnx.load(folder / "model.onnx").metadata_props
    assert json.loads(inside.value)["classes"] == ["bottom", "middle", "top"]
    for count in (1, 5):
        for name, answer in zip(("logits", "distance"), wanted, strict=True):
            (exported,) = session.run([name], {"pixels": pixels[:count]})
            np.testing.assert_allclose(exported, answer[:count], atol=1e-3)
        found = program(torch.from_numpy(pixels[:count]))
        for exported, answer in zip(found, wanted, strict=True):
            np.testing.assert_allclose(exported.detach(), answer[:count], atol=1e-3)


def test_classes_and_how_to_feed_it_are_inside_the_file(
    verb: Verb, promoted: Path, home: Path
) -> None:
    verb("export", promoted, "--format", "torch", "--output", home / "out")
    extra = {"contract.json": ""}
    torch.export.load(home / "out" / "model.pt2", extra_files=extra)
    contract = json.loads(extra["contract.json"])
    assert contract["classes"] == ["bottom", "middle", "top"]
    assert contract["input"]["shape"] == ["batch", 16, 16, 1]
    assert contract["input"]["dtype"] == "uint8"
    assert contract["inside"]["image_size"] == 16


def test_an_export_can_be_checked_on_pictures_that_are_given(
    verb: Verb, promoted: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("HPO_DATA", str(home / "elsewhere"))
    with pytest.raises(UsageError, match="not packed here: give pictures as DATA, or set HPO_DATA"):
        verb("export", promoted, "--format", "torch")
    ended = verb("export", promoted, shapes / "top", "--format", "torch", "--output", home / "out")
    assert "checked on 60 pictures" in ended.err
    assert [file.name for file in (home / "out").iterdir()] == ["model.pt2"]


def test_a_file_that_answers_otherwise_is_not_kept(
    verb: Verb, promoted: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(HpoError, match=r"model\.pt2: must give the checkpoint's answers to -1"):
        verb("export", promoted, "--format", "torch", "--output", home / "out")
    assert list((home / "out").iterdir()) == []


def test_an_unknown_format_lists_the_valid_ones(verb: Verb, promoted: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no format 'onx'; did you mean onnx\? valid: onnx, torch"
    ):
        verb("export", promoted, "--format", "onx")
