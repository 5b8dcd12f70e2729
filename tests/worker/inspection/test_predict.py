"""Pictures on disk through the real decoder and a trained model."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from study.errors import UsageError
from tests.eventually import DEADLINE
from worker.inspection.answer import Answer
from worker.inspection.predict import UNLIKE, answer_tables

from .conftest import Verb


def test_a_picture_gets_its_five_likeliest_classes_and_the_entropy(
    verb: Verb, promoted: Path, shapes: Path
) -> None:
    ended = verb("predict", promoted, shapes / "top" / "000.png")
    assert ended.status == 0
    heads, row = ended.out.splitlines()
    assert heads.split() == ["picture", "label", "confidence", "next", "entropy"]
    assert row.split()[:2] == [str(shapes / "top" / "000.png"), "top"]
    assert "middle" in row
    assert "bottom" in row
    assert "1 picture in " in ended.err


def test_a_folder_however_deep_becomes_a_list_in_submission_form(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    ended = verb("predict", promoted, shapes, "--csv", home / "submission.csv")
    assert (ended.status, ended.out) == (0, "")
    assert (home / "submission.csv").read_text().startswith("filename,label\nbottom/000.png,")
    with (home / "submission.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == sorted(row["filename"] for row in rows)
    assert len(rows) == 180
    right = sum(row["filename"].startswith(row["label"] + "/") for row in rows)
    assert right > 170


def test_names_come_from_standard_input(verb: Verb, promoted: Path, shapes: Path) -> None:
    names = f"{shapes}/top/001.png\n{shapes}/bottom/001.png\n"
    ended = verb("predict", promoted, "-", stdin=names)
    assert [line.split()[1] for line in ended.out.splitlines()[1:]] == ["top", "bottom"]


def test_who_reads_two_lines_of_many_ends_the_verb(
    promoted: Path, shapes: Path, home: Path
) -> None:
    many = home / "many"
    for copy in range(20):
        shutil.copytree(shapes, many / str(copy))
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "predict", str(promoted), str(many)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("picture")
    assert process.stdout.readline().startswith("0/bottom/000.png")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(DEADLINE) == 1
    assert said == ""  # neither a traceback nor how many there were: they were not classified


def test_rows_of_all_batches_have_their_columns_in_the_same_places(
    verb: Verb, promoted: Path, shapes: Path
) -> None:
    heads, *rows = verb("predict", promoted, shapes).out.splitlines()
    assert len(rows) == 180
    end = heads.index("entropy") + len("entropy")
    assert all(row[end - 5 : end].strip().replace(".", "").isdigit() for row in rows)
    assert all(not row[end:].strip() or row[end:].strip() == UNLIKE for row in rows)


def test_a_narrow_terminal_folds_between_two_classes_alone() -> None:
    top = (("ankle-boot", 0.9), ("sneaker", 0.05), ("trouser", 0.03), ("coat", 0.01), ("bag", 0.01))
    answer = Answer(number=0, top=top, entropy=0.5, unlike=False)
    output = io.StringIO()
    console = Console(file=output, width=70)
    (table,) = answer_tables(["shoe.png"], ["ankle-boot"], [answer], None)
    console.print(table)
    folded = [line[34:60].strip() for line in output.getvalue().splitlines()[1:]]
    assert len(folded) > 1
    assert ", ".join(line.rstrip(",") for line in folded) == (
        "sneaker 5.0 %, trouser 3.0 %, coat 1.0 %, bag 1.0 %"
    )
    assert all(line.rstrip(",").endswith("%") for line in folded)


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_classified(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    folder = shutil.copytree(shapes / "top", home / "mixed")
    (folder / "002.png").write_bytes(b"no picture")
    (folder / "003.png").write_bytes((shapes / "top" / "003.png").read_bytes()[:60])
    missing = home / "missing.png"
    ended = verb("predict", promoted, folder, missing, "--csv", home / "out.csv")
    assert ended.status == 1
    told = [line for line in ended.err.splitlines() if "skipped" in line]
    assert told[0].startswith("hpo-worker: 002.png: skipped: not a picture")
    assert told[1].startswith("hpo-worker: 003.png: skipped: broken PNG")
    assert told[2] == f"hpo-worker: {missing}: skipped: No such file or directory"
    assert len((home / "out.csv").read_text().splitlines()) == 1 + 58


def test_a_picture_is_one_line_whatever_its_file_is_called(
    verb: Verb, promoted: Path, shapes: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # of a terminal; what is read by programs has no width
    (home / "odd").mkdir()
    shutil.copy(shapes / "top" / "000.png", home / "odd" / "a\nb\x1b[31m.png")
    (home / "odd" / "c\nd.png").write_bytes(b"no picture")
    ended = verb("predict", promoted, home / "odd")
    _, row = ended.out.splitlines()
    assert row.split()[:2] == [r"a\nb\x1b[31m.png", "top"]
    assert r"c\nd.png: skipped: not a picture" in ended.err


def test_a_picture_of_another_kind_is_said_to_be_unlike_the_training_data(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(home / "black.png")
    ended = verb("predict", promoted, home / "black.png", shapes / "top" / "001.png")
    rows = ended.out.splitlines()[1:]
    assert [row.rstrip().endswith("unlike the training data") for row in rows] == [True, False]
    assert "1 unlike the training data" in ended.err


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nowhere/", "nowhere: no promoted model: no manifest.json in it"),
        ("shaeps", "no promoted model of a study 'shaeps'; did you mean shapes"),
    ],
)
def test_a_model_that_is_not_there_is_named(
    verb: Verb, promoted: Path, shapes: Path, home: Path, model: str, told: str
) -> None:
    place = home / "artifacts" / "shapes" / "promoted"
    place.mkdir(parents=True)
    (place / "latest").symlink_to(promoted)
    with pytest.raises(UsageError, match=told):
        verb("predict", model, shapes)
    assert verb("predict", "shapes", shapes / "top" / "000.png").status == 0


def test_a_damaged_model_is_refused_as_wrong_input(
    verb: Verb, promoted: Path, shapes: Path
) -> None:
    with (promoted / "weights.pt").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UsageError, match=r"weights\.pt does not match its checksum: the manifest"):
        verb("predict", promoted, shapes)


def test_a_folder_without_pictures_is_refused(verb: Verb, promoted: Path, home: Path) -> None:
    (home / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: no pictures in this folder"):
        verb("predict", promoted, home / "empty")


def test_no_names_on_standard_input_are_refused(verb: Verb, promoted: Path) -> None:
    with pytest.raises(UsageError, match="standard input has no names"):
        verb("predict", promoted, "-")
