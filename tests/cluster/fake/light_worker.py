"""Stands in for `hpo-worker` where training does not matter: the same verbs, environment, ledger,
exit statuses and result file, without torch.

HPO_LIGHT says how: `work`; `hang` (holds its first trial until SIGTERM); `usage`, `crash`,
`broken` (exit 2, 1, 3). HPO_PACE: seconds a trial takes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from study import atomic, exit_codes, paths
from study.config.load import load_study
from study.database import is_outage
from study.dataset import DatasetManifest, SplitRange
from study.errors import HpoError
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.opening import open_registry
from study.sampling import ask

T = TypeVar("T")

STORE = "f" * 64
EPOCHS = 2


def main(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """Runs a verb in this process, which is nobody else's."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [name for name in os.environ if name.startswith("HPO_")]:
        del os.environ[name]
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    verbs: dict[str, Callable[[list[str]], int]] = {
        "run": _run,
        "prepare": _prepare,
        "measure": _measure,
        "rehearse": _rehearse,
    }
    try:
        status = _behaviour() or verbs[arguments[0]](arguments[1:])
    except HpoError as error:
        os.write(2, f"hpo-worker: {error}\n".encode())
        status = exit_codes.USAGE
    sys.stdout.flush()
    os._exit(status)


def _behaviour() -> int:
    words = {"usage": "no such pictures", "crash": "out of luck", "broken": "the device is gone"}
    statuses = {"usage": 2, "crash": 1, "broken": 3}
    mode = os.environ.get("HPO_LIGHT", "work")
    if mode in words:
        os.write(2, f"hpo-worker: {words[mode]}\n".encode())
    return statuses.get(mode, 0)


def _run(_: list[str]) -> int:
    leaving = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    registry, _server = _patiently(open_registry)
    study = _patiently(lambda: registry.find(os.environ["HPO_STUDY"]))
    ledger = Ledger(registry.engine, study.study_id, os.environ["HPO_WORKER"])
    pace = float(os.environ.get("HPO_PACE", "0"))
    while not leaving.is_set():
        claimed = _patiently(lambda: ledger.claim(holding=[]))
        if claimed is NoTrial.DONE:
            return exit_codes.DONE
        if claimed is NoTrial.STOPPED:
            return exit_codes.PREEMPTED
        if not isinstance(claimed, Lease):
            leaving.wait(0.05)
            continue
        lease = claimed
        sampled = registry.optuna_study(study, trial=lease.number)
        _patiently(partial(ask, sampled, lease.trial_id, study.config))
        print("trial", claimed.number, flush=True)  # noqa: T201
        value = 0.5 + lease.number / 100
        metrics = {"accuracy": value, "images_per_second": 100.0}
        for epoch in range(EPOCHS):
            told = Intermediate(epoch, value)
            report = partial(ledger.report, lease, epoch=epoch, intermediate=told, metrics=metrics)
            _patiently(report)
            if os.environ.get("HPO_LIGHT") == "hang":
                leaving.wait()
            if leaving.wait(pace / EPOCHS):
                _patiently(partial(ledger.release, lease))
                return exit_codes.PREEMPTED
        _patiently(partial(ledger.finish, lease, Outcome.COMPLETE, value=value, weights="best.pt"))
    return exit_codes.PREEMPTED


def _patiently(call: Callable[[], T]) -> T:
    """Waits out an outage of the database, as workers do."""
    while True:
        try:
            return call()
        except Exception as error:
            if not is_outage(error):
                raise
            threading.Event().wait(0.1)


def _prepare(arguments: list[str]) -> int:
    study = load_study(Path(arguments[0]), arguments[1:])
    for done in range(0, 101, 50):
        print(json.dumps({"done": done, "total": 100}), flush=True)  # noqa: T201
    manifest = DatasetManifest(
        content=STORE,
        classes=("finch", "wren"),
        size=study.data.packed_size,
        channels=study.data.channels,
        splits={"train": SplitRange(start=0, stop=2, class_counts=(1, 1))},
        mean=(0.5,) * study.data.channels,
        std=(0.25,) * study.data.channels,
        source=study.data.source,
        names=("finch/a.png", "wren/b.png"),
    )
    atomic.write_text(paths.data().store(STORE) / paths.MANIFEST, manifest.model_dump_json())
    return _result({"store": STORE})


def _measure(arguments: list[str]) -> int:
    numbers = [int(number) for number in arguments[1].split(",")]
    output = Path(arguments[3])
    result = {
        "winner": numbers[0],
        "validation": {str(number): {"accuracy": 0.5, "loss": 1.0} for number in numbers},
        "test": None,
    }
    (output / "weights.pt").write_bytes(b"weights of trial %d" % numbers[0])
    (output / "metrics.json").write_text(json.dumps(result))
    return _result({"winner": numbers[0]})


def _rehearse(arguments: list[str]) -> int:
    load_study(Path(arguments[0]))
    rates = {"images_per_second": 1000.0, "validation_images_per_second": 4000.0}
    return _result({**rates, "device": "a light worker", "peak_memory_gib": 0.1})


def _result(content: dict[str, object]) -> int:
    Path(os.environ["HPO_RESULT"]).write_text(json.dumps(content))
    return exit_codes.DONE
