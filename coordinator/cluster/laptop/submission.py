"""Asks the coordinator in the cluster to run a study or to go on with it: everything is checked
first, then pictures are sent, then the request is written, and its answer awaited.

Knows nothing of how a study is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from rich.console import Console

from coordinator.change import changed
from coordinator.cluster.api import Api
from coordinator.cluster.laptop.asked import (
    Asked,
    ask,
    find,
    find_status,
    must_find,
    names,
    next_request,
)
from coordinator.cluster.laptop.proposal import Proposal, moved_in, propose
from coordinator.cluster.laptop.shown import best_of
from coordinator.cluster.laptop.upload import upload
from coordinator.cluster.laptop.waits import await_taken_up, follow
from coordinator.cluster.records import Request, Status
from coordinator.single_run import given, given_again, next_name, single_run
from study import exit_codes
from study.config.dump import dump
from study.config.identity import differences
from study.config.load import find_study, load_study
from study.errors import HpoError, StudyExists, UsageError


def submit(
    api: Api,
    study: str,
    *,
    workers: int,
    overrides: Sequence[str],
    stay: bool,
    console: Console,
) -> int:
    """Asks for a study, or for more of the one of that name; gives the exit status. stay: until it
    ends. Raises UsageError before anything has changed."""
    config = load_study(find_study(study), overrides)
    before = find(api, config.name)
    moved = moved_in(overrides)
    proposal = propose(api, config, workers=workers, moved=moved, before=before)
    return _carry_out(api, proposal, console, stay=stay)


def resume(
    api: Api,
    study: str,
    *,
    workers: int | None,
    overrides: Sequence[str],
    stay: bool,
    console: Console,
) -> int:
    """The same for a study that was asked for before; `overrides` may change its budget and
    resources. Raises StudyExists for what would make it another study."""
    before = must_find(api, study)
    config = changed(before.config(), overrides)
    workers = workers or before.request.workers
    moved = moved_in(overrides)
    proposal = propose(api, config, workers=workers, moved=moved, before=before)
    return _carry_out(api, proposal, console, stay=stay)


def train(
    api: Api, study: str, *, trial: int | None, overrides: Sequence[str], console: Console
) -> int:
    """Asks for a study of one trial that searches nothing, under a name of its own, and stays until
    it ends. Raises UsageError before anything has changed; a laptop knows the parameters of the
    best trial alone."""
    if trial is None:
        config = given(study, overrides)
    else:
        asked = must_find(api, study)
        winner = best_of(asked, find_status(api, study))
        if winner.number != trial:
            raise UsageError(
                f"--trial {trial}: in a cluster only the best trial's parameters are known here, "
                f"those of trial {winner.number}; others: make report STUDY={study}"
            )
        config = given_again(winner.config, winner.parameters, overrides)
    single = single_run(config, name=next_name(config.name, names(api)))
    console.print(f"study {single.name}: one training run")
    proposal = propose(api, single, workers=1, moved=True, before=None)
    return _carry_out(api, proposal, console, stay=True)


def _carry_out(api: Api, proposal: Proposal, console: Console, *, stay: bool) -> int:
    name = proposal.config.name
    for note in proposal.notes:
        console.print(note, soft_wrap=True)
    if proposal.pictures is not None:
        upload(api, proposal.pictures, console)
    asked = ask(api, name, _first(api, proposal), _again(proposal))
    if stay:
        return follow(api, name, asked.request.revision, console)
    status = await_taken_up(api, name, asked.request.revision)
    for line in _told(proposal, status):
        console.print(line, soft_wrap=True)
    return exit_codes.DONE


def _first(api: Api, proposal: Proposal) -> Asked:
    """Of a revision after those that a status left behind speaks of."""
    left = None
    with suppress(HpoError):  # one that cannot be read says nothing
        left = find_status(api, proposal.config.name)
    revision = 1 if left is None else left.revision + 1
    request = Request(revision=revision, retry=revision, workers=proposal.workers)
    return Asked(request, dump(proposal.config))


def _again(proposal: Proposal) -> Callable[[Asked], Asked]:
    """The change of a request. Raises StudyExists where somebody has asked for another study under
    that name since we looked."""
    seen = None if proposal.before is None else proposal.before.configuration

    def change(asked: Asked) -> Asked:
        if asked.configuration != seen and differences(asked.config(), proposal.config):
            raise StudyExists(f"somebody has just submitted another study {proposal.config.name!r}")
        request = next_request(
            asked.request,
            workers=proposal.workers,
            stopped=False,
            retry=asked.request.revision + 1,
        )
        return Asked(request, dump(proposal.config))

    return change


def _told(proposal: Proposal, status: Status) -> list[str]:
    """What happens now, and what a person can do."""
    name, workers = proposal.config.name, proposal.workers
    many = "1 worker" if workers == 1 else f"{workers} workers"
    going = {
        "preparing": f"its pictures are packed, then {many} begin",
        "running": f"{many} train",
        "promoting": "its best trials are measured again",
        "done": "nothing is left to do; more: make resume ARGS=search.budget.trials=...",
    }
    return [
        f"study {name}: {status.phase}; {status.reason or going.get(status.phase, many)}",
        f"it goes on by itself; look: make status STUDY={name}, make logs STUDY={name} FOLLOW=1, "
        "make dashboard",
    ]
