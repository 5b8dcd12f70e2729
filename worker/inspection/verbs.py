"""What `hpo-worker` does with a promoted model: evaluate, predict, explain, export, demo.

MODEL is a study's name, for the version in use, or the folder of a version. Says what it does on
standard error and what it found on standard output, both for a person. What each verb does is in
the modules it imports when it is called, so that the supervisor never has torch in its process.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.config.nearest import hint
from study.errors import UsageError
from study.paths import RESULT
from worker import environment
from worker.inspection.arguments import Model, end, named, place_of, set_threads
from worker.inspection.terminal import bar, say, show

if TYPE_CHECKING:
    from worker.inspection.squares import Squares


def evaluate(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="pictures in class folders, an archive or a list, as data.source takes them "
            "(default: the test split, else the validation split)",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="folder (default: artifacts/STUDY/used/VERSION/evaluation)")
    ] = None,
) -> None:
    """Measures a model, with figures.

    Exit status 1 where a picture cannot be read: it is named, the others are measured.
    """
    from worker.inspection import given
    from worker.inspection.evaluate import draw, infer, write_result
    from worker.inspection.examples import packed_examples, source_examples
    from worker.inspection.metrics_table import metrics_table

    threads = set_threads()
    classifier = given.open_model(model, environment.device())
    described = classifier.described
    folder = output or place_of(classifier).evaluation(described.manifest.version)
    with (
        nullcontext(packed_examples(classifier))
        if data is None
        else source_examples(classifier, data, threads)
    ) as examples:
        with bar("evaluating", len(examples.labels)) as advance:
            measured = infer(classifier, examples, advance)
        result = write_result(described, examples, measured, folder)
        show(metrics_table(result))
        figures = draw(described, examples, measured, result, folder)
        for file in (folder / RESULT, *figures):
            show(str(file))
        end(examples.squares.names, examples.squares.unreadable)


def predict(
    model: Model,
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="pictures, folders, or - for names on stdin"),
    ],
    csv: Annotated[
        Path | None, typer.Option(help="write filename,label into this file instead of a table")
    ] = None,
) -> None:
    """Classifies pictures.

    Exit status 1 where one cannot be read: it is named, the others are classified.
    """
    from worker.inspection import given
    from worker.inspection.answer import Answer, answered
    from worker.inspection.predict import answer_tables, summary, write_submission
    from worker.inspection.squares import BATCH

    found = list(given.find_pictures(named(pictures)))
    if not found:
        raise UsageError("no pictures: standard input has no names")
    threads = set_threads()
    classifier = given.open_model(model, environment.device())
    squares = given.as_squares(found, classifier, threads)
    answers: list[Answer] = []

    def found_out() -> Iterator[Answer]:
        with bar("classifying", len(found)) as advance:
            for answer in answered(classifier, squares, advance):
                answers.append(answer)
                yield answer

    began = time.perf_counter()
    if csv is not None:
        write_submission(csv, squares.names, found_out())
    else:
        rows = None if sys.stdout.isatty() else BATCH  # below a progress bar, all at its end
        for table in answer_tables(squares.names, classifier.classes, found_out(), rows):
            show(table)
    seconds = time.perf_counter() - began
    say(summary(answers, seconds))
    end(squares.names, squares.unreadable)


def export(
    model: Model,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA...]", help="pictures to check on (default: the validation split)"
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="onnx, torch or both")] = "both",
    output: Annotated[
        Path | None, typer.Option(help="folder (default: artifacts/STUDY/used/VERSION/export)")
    ] = None,
) -> None:
    """Writes a model for other programs, with normalisation and class names inside.

    Done when the files give the checkpoint's logits to 1e-3 on real pictures.
    """
    from worker.inspection import given
    from worker.inspection.export import export as write
    from worker.inspection.formats import FORMATS
    from worker.inspection.squares import PackedSquares

    if form not in (*FORMATS, "both"):
        raise UsageError(f"no format {form!r}{hint(form, (*FORMATS, 'both'))}")
    threads = set_threads()
    classifier = given.open_model(model, environment.device())
    squares: Squares
    if data:
        squares = given.as_squares(list(given.find_pictures(data)), classifier, threads)
    else:
        squares = PackedSquares(given.open_store(classifier), "val")
    folder = output or place_of(classifier).export(classifier.described.manifest.version)
    for done in write(classifier, squares, folder, [*FORMATS] if form == "both" else [form]):
        show(str(done.file))
        say(f"checked on {done.pictures} pictures: answers differ by at most {done.difference:.1g}")


def explain(
    model: Model,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="a picture")],
    output: Annotated[
        Path | None,
        typer.Option(help="folder (default: artifacts/STUDY/used/VERSION/explanation/IMAGE)"),
    ] = None,
) -> None:
    """Draws what a model sees in a picture.

    Its first filters, the strongest activations of its layers, and Grad-CAM.
    """
    from worker.inspection import given
    from worker.inspection.explain import explain as draw

    set_threads()
    classifier = given.open_model(model, environment.device())
    square = given.read_square(image, classifier)
    place = place_of(classifier)
    version = classifier.described.manifest.version
    files, notes = draw(classifier, square, output or place.explanation(version, image.stem))
    for file in files:
        show(str(file))
    for note in notes:
        say(note)


def demo(
    model: Model,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 7860,
    samples: Annotated[
        str | None, typer.Option(help="folder of samples (default: validation pictures)")
    ] = None,
) -> None:
    """Serves a page to drop a picture on, to this machine alone, until Ctrl-C."""
    from worker.inspection import given
    from worker.inspection.demo import given_samples, packed_samples, served

    if importlib.util.find_spec("gradio") is None:
        raise UsageError("demo needs gradio, which is not installed: pip install 'hpo[demo]'")
    set_threads()
    classifier = given.open_model(model, environment.device())
    with tempfile.TemporaryDirectory(prefix="hpo-samples-") as folder, suppress(KeyboardInterrupt):
        if samples is not None:
            shown = given_samples(list(given.find_pictures([samples])))
        else:
            shown = packed_samples(given.open_store(classifier), Path(folder))
        with served(classifier, shown, port) as url:
            show(f"{url}\nCtrl-C ends it")
            threading.Event().wait()


VERBS: tuple[Callable[..., None], ...] = (evaluate, predict, explain, export, demo)
