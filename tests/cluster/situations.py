"""What a coordinator may have seen, for tests of what it decides then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.cluster.jobs import measure_purpose, prepare_purpose, worker_purpose
from coordinator.cluster.records import Phase, Request, Status
from coordinator.cluster.service.actions import Action
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.seen import Promotion, Seen, SeenJob, SeenPod
from coordinator.snapshot import snapshot
from study.config.records import StudyConfig
from study.lease import Budget
from study.progress import Progress, RunningTrial
from study.registry import RegisteredStudy

STORE = "f" * 64
CONFIG = StudyConfig.model_validate(
    {
        "name": "birds",
        "data": {"source": "/data/birds.zip", "image_size": 16},
        "space": {"training.learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1}},
        "search": {"budget": {"trials": 6}},
    }
)
CANDIDATES = (5, 3, 4)

Situation = tuple[str, Seen, Phase, list[Action]]
"""What it is called, what is seen, and the phase and actions that follow."""


def table(situations: Sequence[Situation]) -> Callable[[Seen, Phase, list[Action]], None]:
    """The test that each situation has the phase and the actions it is given with."""

    @pytest.mark.parametrize(
        ("situation", "phase", "actions"),
        [row[1:] for row in situations],
        ids=[row[0].replace(" ", "-") for row in situations],
    )
    def what_follows(situation: Seen, phase: Phase, actions: list[Action]) -> None:
        decision = decide(situation)
        assert (decision.phase, list(decision.actions)) == (phase, actions)

    return what_follows


def job(role: str = "worker", **changes: Any) -> SeenJob:
    purposes = {
        "worker": worker_purpose(CONFIG.resources),
        "prepare": prepare_purpose(CONFIG.data),
        "measure": measure_purpose(CANDIDATES),
    }
    fields: dict[str, Any] = {
        "name": f"{role}-birds",
        "uid": f"uid-{role}",
        "revision": 1,
        "made_for": purposes[role],
        "workers": 2,
        "parallelism": 2,
        "completions": 2,
        "queued": False,
        "suspended": False,
        "deleting": False,
        "outcome": "",
        "reason": "",
        "message": "",
        "failed_indexes": "",
    }
    return SeenJob(**{**fields, **changes})


def pod(name: str = "worker-birds-0-abcde", **changes: Any) -> SeenPod:
    role = name.partition("-")[0]
    fields: dict[str, Any] = {
        "name": name,
        "role": role,
        "job_uid": f"uid-{role}",
        "index": 0,
        "created": "2026-01-01T00:00:00Z",
        "phase": "Running",
        "scheduled": True,
        "leaving": False,
        "exit_status": None,
        "message": "",
        "trial": "",
        "epoch": "",
    }
    return SeenPod(**{**fields, **changes})


def ended(name: str, status: int, message: str = "") -> SeenPod:
    phase = "Failed" if status else "Succeeded"
    return pod(name, phase=phase, exit_status=status, message=message)


def progress(
    *,
    done: bool = False,
    stopped: bool = False,
    config: StudyConfig = CONFIG,
    workers: int = 2,
    running: tuple[RunningTrial, ...] = (),
) -> Progress:
    budget = Budget(
        stopped=stopped,
        trials=6,
        begun=6 if done else 3,
        open=0 if done else len(running),
        paused=0,
        concluded=None,
        device_seconds=None,
        device_spent=1.0,
        wall_seconds=None,
        wall_spent=1.0,
        lease_seconds=30.0,
        max_attempts=3,
    )
    study = RegisteredStudy(
        study_id=1, name="birds", config=config, store=STORE, stopped=stopped, workers=workers
    )
    return Progress(
        study=study, budget=budget, outcomes={}, running=running, holders=frozenset(), best=None
    )


def trial(worker: str, number: int = 7, epoch: int | None = 2, **changes: Any) -> RunningTrial:
    unknown = {"images_per_second": None, "seconds": None}
    fields: dict[str, Any] = {"value": 0.5, "released": False, **unknown}
    return RunningTrial(number=number, worker=worker, epoch=epoch, **{**fields, **changes})


def wrote(phase: Phase, revision: int = 1, *, known: bool = True, **more: Any) -> Status:
    shown = snapshot(progress()) if known else None
    return Status(revision=revision, phase=phase, written="", snapshot=shown, **more)


def seen(
    progress: Progress | None = None,
    *,
    jobs: dict[str, SeenJob] | None = None,
    pods: tuple[SeenPod, ...] = (),
    request: Request | None = None,
    **changes: Any,
) -> Seen:
    fields: dict[str, Any] = {
        "config": CONFIG,
        "refusal": "",
        "previous": None,
        "rollback": None,
        "packed": {STORE},
        "promotion": Promotion(),
        "waiting": "",
        "packing": "",
    }
    return Seen(
        name="birds",
        request=request or Request(revision=1, workers=2, retry=1),
        jobs=jobs or {},
        pods=pods,
        progress=progress,
        **{**fields, **changes},
    )


def due(**changes: Any) -> Promotion:
    return replace(Promotion(candidates=CANDIDATES), **changes)


PACKED = ended("prepare-birds-abcde", 0, f'{{"store": "{STORE}"}}')
