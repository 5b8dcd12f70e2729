"""What every tracker is told is found again where it keeps it, by the reader its users have."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from study.config.tracking import TrackerName
from worker.tracking.background import Background
from worker.tracking.choice import new_tracker
from worker.tracking.tracker import TrackedTrial, Tracker

TOLD = {"loss": [3.0, 2.0, 1.0], "accuracy": [0.5, 0.25, 0.75]}
TRIAL = Path("artifacts/birds/trials/00007")  # by its default name, which MLflow minds
NAMES: tuple[TrackerName, ...] = ("tensorboard", "wandb", "mlflow")

Open = Callable[..., Tracker]
Read = Callable[[], dict[str, list[float]]]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing leaves this machine, and nothing is left of it in the environment."""
    monkeypatch.setenv("HPO_HOME", str(tmp_path / ".hpo"))
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "")
    for name in ("WANDB_API_KEY", "WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> TrackerName:
    if request.param != "tensorboard":
        pytest.importorskip(request.param)
    chosen: TrackerName = request.param
    return chosen


@pytest.fixture
def trial(tmp_path: Path) -> Callable[..., TrackedTrial]:
    def build(first_epoch: int = 0) -> TrackedTrial:
        return TrackedTrial(
            study="birds",
            number=7,
            parameters={"training.learning_rate": 0.01, "model.name": None},
            directory=tmp_path / TRIAL,
            first_epoch=first_epoch,
        )

    return build


def tell(tracker: Tracker) -> None:
    """A trial of three epochs, with all details."""
    for epoch in range(3):
        tracker.scalars(epoch, {name: values[epoch] for name, values in TOLD.items()})
        tracker.scalars(epoch, {"roc_auc": math.nan})
        if epoch < 2:
            tracker.pictures(epoch, np.zeros((2, 8, 8, 1 + 2 * epoch), np.uint8))
        tracker.histograms(epoch, {"weights/fc": np.linspace(-1, 1, 50, dtype=np.float32)})
    tracker.end(0.75)


def read_tensorboard(root: Path) -> dict[str, list[float]]:
    events = EventAccumulator(str(root / TRIAL / "events")).Reload()
    assert events.Tags()["histograms"] == ["weights/fc"]
    assert len(events.Tags()["images"]) >= 1
    assert any("hparams" in tag for tag in events.summary_metadata)
    return {tag: [point.value for point in events.Scalars(tag)] for tag in (*TOLD, "value")}


def read_wandb(root: Path) -> dict[str, list[float]]:
    """The records of a run's file: chunks of LevelDB's log format behind a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2 as protocol

    (file,) = (root / TRIAL).glob("wandb/offline-run-*/*.wandb")
    content, at, whole = file.read_bytes(), 7, b""
    found: dict[str, list[float]] = {name: [] for name in (*TOLD, "value")}
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        length, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind not in (1, 4):  # first or middle part
            continue
        record = protocol.Record.FromString(whole)
        whole = b""
        for item in (*record.history.item, *record.summary.update):
            name = item.key or item.nested_key[0]
            if name in found and (name == "value") == record.HasField("summary"):
                found[name].append(float(json.loads(item.value_json)))
    return found


def read_mlflow(root: Path) -> dict[str, list[float]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(root / ".hpo" / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("birds")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["training.learning_rate"] == "0.01"
    assert run.data.metrics["weights/fc.q50"] == pytest.approx(0, abs=1e-6)
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [
        "pictures-00000.png",
        "pictures-00001.png",
    ]
    return {
        name: [point.value for point in client.get_metric_history(run.info.run_id, name)]
        for name in (*TOLD, "value")
    }


READERS = {"tensorboard": read_tensorboard, "wandb": read_wandb, "mlflow": read_mlflow}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_everything_told_is_found_again(
    name: TrackerName, trial: Callable[..., TrackedTrial], tmp_path: Path
) -> None:
    tell(new_tracker(name, trial()))
    found = READERS[name](tmp_path)
    assert found == {**TOLD, "value": [0.75]}


def test_an_adopted_trial_replaces_the_epochs_it_repeats_in_tensorboard(
    trial: Callable[..., TrackedTrial], tmp_path: Path
) -> None:
    tell(new_tracker("tensorboard", trial()))
    again = new_tracker("tensorboard", trial(first_epoch=2))
    again.scalars(2, {"loss": 9.0, "accuracy": 0.5})
    again.end(0.5)
    events = EventAccumulator(str(tmp_path / TRIAL / "events")).Reload()
    assert [point.value for point in events.Scalars("loss")] == [3.0, 2.0, 9.0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_an_adopted_trial_goes_on_with_its_run_in_mlflow(
    trial: Callable[..., TrackedTrial], tmp_path: Path
) -> None:
    mlflow = pytest.importorskip("mlflow")
    new_tracker("mlflow", trial()).scalars(0, {"loss": 3.0})
    again = new_tracker("mlflow", trial(first_epoch=1))
    again.scalars(1, {"loss": 2.0})
    again.end(0.5)
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / ".hpo" / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("birds").experiment_id])
    points = client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(0, 3.0), (1, 2.0)]


def test_nothing_is_opened_before_something_is_told(
    trial: Callable[..., TrackedTrial], name: TrackerName, tmp_path: Path
) -> None:
    Background(name, lambda told: new_tracker(name, told), trial()).end(None)
    assert list(tmp_path.iterdir()) == []
