"""The page of a model, served by the verb itself and used in headless Chromium."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from study.errors import UsageError

from .conftest import Verb

CHROMIUM = shutil.which("chromium")
PATIENCE = 60_000  # milliseconds for anything on the page


@dataclass
class Served:
    """A page while it is served."""

    url: str
    process: subprocess.Popen[str]
    asked: set[str] = field(default_factory=set)
    """Hosts and ports a browser has asked."""


@pytest.fixture
def served(promoted: Path, home: Path) -> Iterator[Served]:  # noqa: ARG001 - sets the environment
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "demo", str(promoted), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    yield Served(process.stdout.readline().strip(), process)
    process.kill()
    process.communicate()


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_dropped_picture_and_a_sample_are_classified_without_the_network_until_ctrl_c(
    served: Served, shapes: Path, home: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    Image.fromarray(np.zeros((16, 16), np.uint8)).save(home / "black.png")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: served.asked.add(urlsplit(request.url).netloc))
        page.goto(served.url)
        answer, doubt = page.get_by_test_id("label-output-value"), page.get_by_text("do not trust")
        page.set_input_files("input[type=file]", shapes / "top" / "000.png")
        expect(answer).to_have_text("top", timeout=PATIENCE)
        expect(page.locator("dd")).to_have_count(3, timeout=PATIENCE)  # a bar for each class
        expect(doubt).to_have_count(0)
        page.get_by_text("bottom").last.click()
        expect(answer).to_have_text("bottom", timeout=PATIENCE)
        page.get_by_label("Remove").or_(page.get_by_label("Clear")).first.click()
        page.set_input_files("input[type=file]", home / "black.png")
        expect(doubt).to_be_visible(timeout=PATIENCE)
        browser.close()
    assert served.asked - {""} == {urlsplit(served.url).netloc}
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=30) == 0


def test_a_port_that_is_taken_is_refused(verb: Verb, promoted: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}: Address already in use"):
            verb("demo", promoted, "--port", port)


def test_samples_that_are_not_there_are_refused(verb: Verb, promoted: Path, home: Path) -> None:
    (home / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: no pictures in this folder"):
        verb("demo", promoted, "--port", 0, "--samples", home / "empty")
