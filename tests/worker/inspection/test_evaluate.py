"""A trained model measured on its packed pictures and on others; figures read back as pictures."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.config.records import StudyConfig
from study.errors import UsageError
from tests.worker.promotion import promote
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.evaluation.measure import measure
from worker.inspection.evaluate import infer
from worker.inspection.examples import Examples
from worker.inspection.squares import BATCH, Batch

from .conftest import Verb

FIGURES = {"curves.png", "confusion.png", "reliability.png", "classes.png", "predictions.png"}


def evaluation(home: Path) -> Path:
    return home / "artifacts" / "shapes" / "used" / "0001" / "evaluation"


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def test_without_data_it_is_the_test_split_as_promotion_measures_it(
    verb: Verb,
    promoted: Path,
    trained: Path,
    trained_study: StudyConfig,
    shapes_store: Path,
    home: Path,
) -> None:
    ended = verb("evaluate", promoted)
    found = result(evaluation(home))
    measured = measure(trained_study, shapes_store, trained, "test", device="cpu", threads=1)
    assert found["metrics"]["accuracy"] == measured["accuracy"]
    assert found["metrics"]["loss"] == pytest.approx(measured["loss"], rel=1e-3)
    assert found["data"].startswith("test split of ")
    assert np.sum(found["confusion"]) == found["pictures"] == 27
    assert f"accuracy {measured['accuracy']:.4f}" in " ".join(ended.out.split())
    drawn = {Path(line).name for line in ended.out.splitlines() if line.endswith(".png")}
    assert drawn >= FIGURES
    assert str(evaluation(home) / "result.json") in ended.out.splitlines()
    for name in drawn:
        with Image.open(evaluation(home) / name) as figure:
            assert min(figure.size) > 100


def test_pictures_of_a_folder_are_measured_and_unreadable_ones_are_named(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    folder = shutil.copytree(shapes, home / "others")
    (folder / "top" / "000.png").write_bytes(b"no picture")
    shutil.rmtree(folder / "bottom")
    ended = verb("evaluate", promoted, folder, "--output", home / "out")
    assert ended.status == 1
    assert "hpo-worker: top/000.png: skipped: not a picture" in ended.err
    found = result(home / "out")
    assert found["pictures"] == 119
    assert list(found["unreadable"]) == ["top/000.png"]
    assert found["per_class"]["bottom"]["support"] == 0
    assert found["metrics"]["accuracy"] > 0.9


def test_wrong_answers_are_shown_the_surest_first(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    folder = home / "swapped"
    shutil.copytree(shapes / "top", folder / "bottom")
    shutil.copytree(shapes / "bottom", folder / "top")
    verb("evaluate", promoted, folder, "--output", home / "out")
    mistakes = result(home / "out")["mistakes"]
    answers = {(wrong["true"], wrong["predicted"]) for wrong in mistakes}
    assert answers <= {("bottom", "top"), ("top", "bottom")}
    confidences = [wrong["confidence"] for wrong in mistakes]
    assert confidences == sorted(confidences, reverse=True)
    assert (home / "out" / "mistakes.png").is_file()


def test_classes_the_model_has_not_are_refused_with_both_sides_named(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    folder = shutil.copytree(shapes, home / "others")
    (folder / "top").rename(folder / "left")
    told = "must have classes of the model, got left; the model's: bottom, middle, top"
    with pytest.raises(UsageError, match=told):
        verb("evaluate", promoted, folder)


def test_classes_the_study_did_not_choose_are_left_out(
    verb: Verb,
    trained_study: StudyConfig,
    shapes_store: Path,
    trained: Path,
    shapes: Path,
    home: Path,
) -> None:
    chosen = trained_study.data.model_copy(update={"classes": 3})
    study = trained_study.model_copy(update={"data": chosen})
    model = promote(study, shapes_store, trained, home / "chosen" / "0001")
    folder = shutil.copytree(shapes, home / "others")
    shutil.copytree(folder / "top", folder / "left")
    verb("evaluate", model, folder, "--output", home / "out")
    assert result(home / "out")["pictures"] == 180


def test_no_more_than_a_batch_of_pictures_is_held(promoted: Path, shapes_store: Path) -> None:
    squares = Watched(Store.open(shapes_store).pixels[:1], pictures=6 * BATCH)
    examples = Examples("many", squares, [0] * (6 * BATCH))
    measured = infer(Classifier(promoted, device="cpu"), examples, lambda _: None)
    assert len(measured.logits) == 6 * BATCH
    assert squares.most == 1


class Watched:
    """The same picture many times; counts the batches that somebody holds."""

    def __init__(self, square: Any, pictures: int) -> None:
        self.names: Sequence[str] = ["again"] * pictures
        self.unreadable: dict[int, str] = {}
        self.most = 0
        self._square = square
        self._held = 0

    def batches(self, numbers: Sequence[int]) -> Iterator[Batch]:
        """See worker.inspection.squares.Squares."""
        for start in range(0, len(numbers), BATCH):
            pixels = self._batch()
            yield list(numbers[start : start + BATCH]), pixels
            del pixels

    def _batch(self) -> Any:
        batch = np.repeat(self._square, BATCH, axis=0)
        self._held += 1
        self.most = max(self.most, self._held)
        weakref.finalize(batch, self._let_go)
        return batch

    def _let_go(self) -> None:
        self._held -= 1
