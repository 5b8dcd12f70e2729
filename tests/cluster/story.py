"""A study's story in the fake cluster: what a test asks, and how every story ends."""

from __future__ import annotations

from typing import Any

import yaml

from coordinator.cluster.records import STUDY, Request, Status
from coordinator.promoted import in_use, versions
from coordinator.snapshot import Snapshot
from study import paths
from study.progress import Progress, observe
from study.promotion import verify
from study.registry import Registry
from tests.cluster.fake.fake_cluster import FakeCluster
from tests.cluster.fake.job_controller import condition
from tests.eventually import eventually

BIRDS = """
name: birds
data: {source: /birds, image_size: 16, channels: 1}
training: {epochs: 2}
space:
  training.learning_rate: {type: float, low: 1e-4, high: 1e-1, log: true}
search: {sampler: {name: random}, budget: {trials: 6}}
"""
PATIENCE = 30.0  # seconds for anything that is waited for


class Story:
    """Of the study `birds`, or another."""

    def __init__(self, cluster: FakeCluster, registry: Registry, name: str = "birds") -> None:
        self.cluster = cluster
        self.registry = registry
        self.name = name
        self.request = Request(revision=0, workers=2)

    def ask(self, *, trials: int = 6, again: bool = True, **changes: Any) -> None:
        """The next request; `again` as submit and resume ask, without it as all others."""
        revision = self.request.revision + 1
        retry = revision if again else self.request.retry
        kept = {**self.request.model_dump(), "order": None, "revision": revision, "retry": retry}
        self.request = Request.model_validate({**kept, **changes})
        configuration = yaml.safe_load(BIRDS)
        configuration["name"] = self.name
        configuration["search"]["budget"]["trials"] = trials
        self.cluster.submit(yaml.safe_dump(configuration), self.request)

    @property
    def status(self) -> Status | None:
        return self.cluster.status(self.name)

    def phase(self) -> str:
        """Empty before there is one for the newest request."""
        status = self.status
        taken_up = status is not None and status.revision == self.request.revision
        return status.phase if status is not None and taken_up else ""

    def reason(self) -> str:
        return "" if self.status is None else self.status.reason

    def shown(self) -> Snapshot | None:
        return None if self.status is None else self.status.snapshot

    def reaches(self, phase: str, seconds: float = PATIENCE) -> None:
        eventually(f"{self.name} is {phase}", lambda: self.phase() == phase, seconds)

    def says(self, words: str) -> None:
        eventually(f"{self.name} says {words}", lambda: words in self.reason(), PATIENCE)

    def answer(self) -> tuple[str, str]:
        """Text and error of the answer to the newest request, once it is there."""

        def answered() -> bool:
            status = self.status
            return (
                status is not None
                and status.answer is not None
                and status.answer.revision == self.request.revision
            )

        eventually("the order is answered", answered, PATIENCE)
        assert self.status is not None
        assert self.status.answer is not None
        return self.status.answer.text, self.status.answer.error

    def progress(self) -> Progress:
        return observe(self.registry, self.registry.find(self.name))

    def trains(self, count: int = 1) -> None:
        """Waits until so many trials run."""
        eventually(
            f"{count} trials run",
            lambda: self.name in self.registry.names() and len(self.progress().running) >= count,
            PATIENCE,
        )

    def has_ended(self, *, trials: int = 6, version: int = 1) -> None:
        """The state in which every story ends, whatever happened on the way."""
        self.reaches("done")
        assert self.progress().outcomes == {"complete": trials}
        assert self.progress().running == ()
        place = paths.artifacts(self.name)
        assert (versions(place)[-1], in_use(place)) == (version, version)
        assert verify(place.latest).trial == trials - 1
        assert not list(place.promoted.glob(".new-*"))
        eventually("no pod is left", self._nothing_runs, PATIENCE)
        jobs = self.cluster.jobs(self.name)
        for role in set(jobs) - {"worker"}:
            assert condition(jobs[role], "Complete"), role
        status = self.status
        assert status is not None
        shown = self.shown()
        assert shown is not None
        assert shown.state == "done"
        assert status.promoted.startswith(f"promoted: trial {trials - 1} as version {version}")

    def is_forgotten(self) -> None:
        """Nobody asks for it any more, and nothing of it is in the cluster."""
        store, namespace = self.cluster.store, self.cluster.namespace
        for resource in ("configmaps", "jobs"):
            for found in store.list(resource, namespace, f"{STUDY}={self.name}"):
                store.remove(resource, namespace, found["metadata"]["name"])

    def _nothing_runs(self) -> bool:
        roles = ("prepare", "worker", "measure")
        pods = [pod for role in roles for pod in self.cluster.pods(self.name, role)]
        return all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in pods)
