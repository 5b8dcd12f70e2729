"""A page to drop a picture on, with the model's five likeliest classes and a gallery of samples.

Served by Gradio to this machine alone; asks nothing of the network. Knows nothing of where samples
come from. Importing it imports gradio: set its environment first (demo.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from worker.data.decode import Undecodable
from worker.data.source import read_file
from worker.evaluation.classifier import Classifier
from worker.inspection.answer import TOP, Answer, answers
from worker.inspection.predict import UNLIKE

Sample = tuple[Path, str]
"""A picture file and what is written below it."""

COLUMNS = 6  # samples side by side
CSS = "#picture img { width: 100%; height: 100%; object-fit: contain }"  # small ones are enlarged


def build_page(classifier: Classifier, samples: Sequence[Sample]) -> gr.Blocks:
    """The page, not yet served. Pictures are classified one after the other."""
    manifest = classifier.described.manifest
    title = f"{manifest.study} version {manifest.version}"

    def classify(picture: str | None) -> tuple[dict[str, float], str]:
        if picture is None:
            return {}, ""
        try:
            answer = ask(classifier, Path(picture))
        except (Undecodable, ValueError, OSError) as error:
            return {}, f"This picture cannot be read: {error}"
        return dict(answer.top), describe(answer)

    def choose(event: gr.SelectData) -> str:
        return str(samples[event.index][0])

    with gr.Blocks(title=title, analytics_enabled=False) as page:
        gr.Markdown(f"# {title}\n{len(classifier.classes)} classes")
        with gr.Row():
            picture = gr.Image(
                type="filepath",
                image_mode=None,  # as it is: decoding is ours
                sources=["upload", "clipboard"],
                label="drop a picture here",
                height=320,
                elem_id="picture",
            )
            with gr.Column():
                best = gr.Label(num_top_classes=TOP, label="likeliest classes")
                note = gr.Markdown()
        if samples:
            gr.Markdown("or click a sample")
            gallery = gr.Gallery(
                [(str(file), caption) for file, caption in samples],
                show_label=False,
                columns=COLUMNS,
                height="auto",
                object_fit="contain",
                allow_preview=False,
                interactive=False,
                buttons=[],
            )
            gallery.select(choose, None, picture)
        picture.change(classify, picture, [best, note], concurrency_limit=1)
    return page


def ask(classifier: Classifier, picture: Path) -> Answer:
    """The answer to one file. Raises Undecodable, ValueError, OSError."""
    logits, distances = classifier.judge(classifier.square(read_file(picture))[None])
    return next(answers([0], logits.cpu(), distances.cpu(), classifier.classes))


def describe(answer: Answer) -> str:
    """How sure the model may be, in Markdown."""
    doubt = f"**This picture is {UNLIKE}: do not trust the answer.**\n\n" if answer.unlike else ""
    return f"{doubt}entropy {answer.entropy:.2f} nats"
