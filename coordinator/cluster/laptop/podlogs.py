"""What the pods of a study printed, and what they go on printing.

While no worker has run, those of prepare are shown instead: they say why it takes so long. Knows
nothing of how pods come about.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence

from coordinator.cluster.api import Api, Object
from coordinator.cluster.kubectl import command, end
from coordinator.cluster.laptop.looking import looks
from coordinator.cluster.records import ROLE, STUDY
from coordinator.cluster.refusals import Invalid, NotFound
from coordinator.cluster.waiting import why_waiting
from study.errors import UsageError

LINES = 50  # of each pod, to begin with
INDEX = "batch.kubernetes.io/job-completion-index"  # label and annotation of an indexed Job's pod
OTHERS = ("prepare", "measure", "plan")
GONE = ("Succeeded", "Failed")  # phases

Say = Callable[[str], None]


def show(api: Api, study: str, worker: int | None, say: Say) -> None:
    """The last lines of every pod that matters. Raises UsageError where none has run."""
    pods = chosen(api.list("pods", f"{STUDY}={study}").items, worker)
    if not pods:
        raise UsageError(_none(study, worker))
    for pod in pods:
        try:
            lines = api.log(pod["metadata"]["name"], LINES).splitlines()
        except (Invalid, NotFound):  # it has yet to start, or is gone by now
            lines = [_why(api, pod)]
        for line in lines:
            say(f"{label(pod)}{line}")


def follow(api: Api, study: str, worker: int | None, say: Say) -> None:
    """Goes on with every pod there is and every one that comes, until Ctrl-C."""
    followed: dict[str, subprocess.Popen[bytes]] = {}
    lock = threading.Lock()

    def pass_on(process: subprocess.Popen[bytes], front: str) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with lock:
                say(f"{front}{line.decode(errors='replace').rstrip()}")

    try:
        for pods in looks(api, "pods", f"{STUDY}={study}"):
            for pod in chosen(pods, worker):
                name = pod["metadata"]["name"]
                known = followed.get(name)
                if known is None and _has_started(pod):
                    process = _tail(api, name, LINES)
                elif known is not None and known.poll() is not None and not _has_ended(pod):
                    process = _tail(api, name, 0)  # a proxy on the way has cut the stream
                else:
                    continue
                followed[name] = process
                threading.Thread(target=pass_on, args=(process, label(pod)), daemon=True).start()
    finally:
        for process in followed.values():
            end(process)


def _tail(api: Api, pod: str, lines: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(api, "logs", "--follow", f"--tail={lines}", pod),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to hand on
    )


def chosen(pods: Sequence[Object], worker: int | None) -> list[Object]:
    """The newest pod of each worker, or of the one; where no worker has run, the others."""
    workers: dict[int, Object] = {}
    for pod in sorted(pods, key=_born):
        if pod["metadata"]["labels"].get(ROLE) == "worker":
            workers[index_of(pod)] = pod
    if workers or worker is not None:
        return [workers[index] for index in sorted(workers) if worker in (None, index)]
    return [pod for pod in sorted(pods, key=_born) if pod["metadata"]["labels"].get(ROLE) in OTHERS]


def index_of(pod: Object) -> int:
    """The completion index of a worker's pod."""
    metadata = pod["metadata"]
    given = metadata["labels"].get(INDEX) or metadata.get("annotations", {}).get(INDEX)
    return int(given or 0)


def label(pod: Object) -> str:
    """What stands before each of its lines."""
    role = pod["metadata"]["labels"].get(ROLE)
    return f"[{index_of(pod)}] " if role == "worker" else f"[{role}] "


def _none(study: str, worker: int | None) -> str:
    who = "no pod" if worker is None else f"no pod of worker {worker}"
    return f"{who} of study {study!r} is there; how it is getting on: make status STUDY={study}"


def _why(api: Api, pod: Object) -> str:
    name = pod["metadata"]["name"]
    events = [
        event for event in api.list("events").items if event["involvedObject"].get("name") == name
    ]
    claims = api.list("persistentvolumeclaims").items
    return why_waiting([pod], events, claims) or "it has not printed anything"


def _has_started(pod: Object) -> bool:
    if _has_ended(pod):
        return True
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return any("waiting" not in (each.get("state") or {"waiting": {}}) for each in statuses)


def _has_ended(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in GONE


def _born(pod: Object) -> tuple[str, str]:
    return pod["metadata"].get("creationTimestamp") or "", pod["metadata"]["name"]
