"""Serves the page of a model (page.py) on 127.0.0.1 until it is told to end.

Knows nothing of what is on it.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from study.dataset import DatasetManifest
from study.errors import UsageError
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.inspection.given import Named

HOST = "127.0.0.1"
MOST_SAMPLES = 24


@contextmanager
def served(classifier: Classifier, samples: Sequence[tuple[Path, str]], port: int) -> Iterator[str]:
    """Serves the page while the block runs; gives its URL. What is dropped on it is kept in a
    folder that goes with it.

    port: 0 takes any that is free. Raises UsageError for one that is not.
    """
    port = _free(port)
    with tempfile.TemporaryDirectory(prefix="hpo-demo-") as dropped:
        # gradio reads them when it is imported; it would tell its makers that it is used
        os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": dropped}
        from worker.inspection.page import CSS, build_page

        page = build_page(classifier, samples)
        page.launch(
            server_name=HOST,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            footer_links=[],
            css=CSS,
            allowed_paths=[str(file.parent) for file, _ in samples],
        )
        try:
            yield f"http://{HOST}:{port}/"
        finally:
            page.close()


def given_samples(pictures: Sequence[Named]) -> list[tuple[Path, str]]:
    """Some of the pictures, evenly chosen, with their names."""
    step = max(1, -(-len(pictures) // MOST_SAMPLES))
    return [(picture.file, picture.name) for picture in pictures[::step]]


def packed_samples(store: Store, folder: Path) -> list[tuple[Path, str]]:
    """Writes some held-out pictures of each class into the folder; gives them with their class."""
    found = []
    for row in _of_each_class(store.manifest, store.labels.tolist()):
        label = store.manifest.classes[store.labels[row]]
        file = folder / f"{row}.png"
        Image.fromarray(store.pixels[row].squeeze()).save(file)
        found.append((file, label))
    return found


def _of_each_class(manifest: DatasetManifest, labels: Sequence[int]) -> list[int]:
    """Rows of the validation split, as many of each class as there is room for, by class."""
    rows = manifest.splits["val"]
    each = max(1, MOST_SAMPLES // manifest.n_classes)
    chosen: list[int] = []
    for label in range(manifest.n_classes):
        own = [row for row in range(rows.start, rows.stop) if labels[row] == label]
        chosen += own[:each]
    return chosen[:MOST_SAMPLES]


def _free(port: int) -> int:
    """A port nobody listens on. Raises UsageError."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}: give another, or 0") from error
        return int(tried.getsockname()[1])
