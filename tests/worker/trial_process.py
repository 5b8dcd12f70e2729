"""A trial's real process, with the test at the supervisor's end of the pipe."""

from __future__ import annotations

import dataclasses
import multiprocessing
import multiprocessing.forkserver
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from study.config.records import StudyConfig
from study.paths import StudyPaths
from worker.messages import (
    Assignment,
    Continue,
    Dismiss,
    EpochDone,
    Event,
    FirstStep,
    Standby,
    Trained,
    Warm,
)
from worker.trial import main

PATIENCE = 60.0  # seconds a message may take on a busy machine

NewStudy = Callable[..., StudyConfig]
Assign = Callable[..., Assignment]


@pytest.fixture(scope="module", autouse=True)
def server_with_torch() -> None:
    """The next fork is from a new server: one that an earlier module left has no torch imported,
    and each trial would take seconds to do so."""
    multiprocessing.forkserver._forkserver._stop()


class Child:
    """A trial's process, forked from a server with torch imported, and the supervisor's end."""

    def __init__(self, standby: Standby) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["worker.trial"])
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=main, args=(theirs, standby), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self) -> Event:
        assert self.pipe.poll(PATIENCE), "the trial said nothing"
        event: Event = self.pipe.recv()
        return self.hear() if isinstance(event, Warm) else event

    def converse(self, verdict: Any = Continue) -> list[Event]:
        """Answers every epoch until the last event."""
        events = [self.hear()]
        while isinstance(events[-1], EpochDone | FirstStep | Trained):
            if isinstance(events[-1], EpochDone):
                self.pipe.send(verdict())
            events.append(self.hear())
        return events

    def exit_status(self) -> int | None:
        """Of a process that has said its last word, or whose supervisor is gone."""
        if not self.pipe.closed:
            self.pipe.send(Dismiss())
        assert wait([self.process.sentinel], PATIENCE), "the process is still there"
        self.process.join()
        return self.process.exitcode


@pytest.fixture
def child(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Iterator[Callable[[], Child]]:
    """Starts processes; none is left."""
    children: list[Child] = []

    def start(store: Path = shapes_store) -> Child:
        standby = Standby(
            store=store,
            artifacts=StudyPaths(tmp_path / "artifacts"),
            config=new_study(),
            device="cpu",
            threads=1,
        )
        children.append(Child(standby))
        return children[-1]

    yield start
    for started in children:
        started.process.kill()
        started.process.join()
        started.pipe.close()


@pytest.fixture
def assign(shapes_store: Path, new_study: NewStudy, tmp_path: Path) -> Assign:
    """Builds assignments; keywords change them, or the study they are of."""

    def build(*, model: Any = None, training: Any = None, **changes: Any) -> Assignment:
        assignment = Assignment(
            config=new_study(model=model, training=training),
            store=shapes_store,
            directory=tmp_path / "trial",
            device="cpu",
            threads=1,
            last_epoch=None,
        )
        return dataclasses.replace(assignment, **changes)

    return build
