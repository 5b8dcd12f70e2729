"""The part of a step that is about pods and the trials they hold: what each trains is noted on it,
and those that are gone hold nothing any more.

A pure function, as decide.py. Knows nothing of how pods come about.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.cluster.service.actions import Action, Annotate, Expire
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.sighting import is_worker_of
from study.progress import RunningTrial


def of_pods(seen: Seen) -> list[Action]:
    """What pods train, and whose trials are free because they are gone."""
    if seen.progress is None:
        return []
    held: dict[str, list[RunningTrial]] = {}
    for trial in seen.progress.running:
        if not trial.released:
            held.setdefault(trial.worker, []).append(trial)
    known = {pod.name: pod for pod in seen.workers}
    actions: list[Action] = []
    for holder in held:
        pod = known.get(holder)
        if pod is not None and pod.ended:
            actions.append(Expire(holder, seen=True))
        elif pod is None and is_worker_of(holder, seen.name):
            actions.append(Expire(holder, seen=False))
    for name, pod in known.items():
        trials = held.get(name, [])
        note = Annotate(name, _numbers(trials), _epochs(trials))
        noted = (note.trial, note.epoch) == (pod.trial, pod.epoch)
        if pod.phase == "Running" and not pod.leaving and not noted:
            actions.append(note)
    return actions


def _numbers(trials: Sequence[RunningTrial]) -> str:
    return ",".join(str(trial.number) for trial in trials)


def _epochs(trials: Sequence[RunningTrial]) -> str:
    """Epochs ended."""
    return ",".join(str(0 if trial.epoch is None else trial.epoch + 1) for trial in trials)
