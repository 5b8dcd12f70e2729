"""A trial for MLflow: one run of an experiment named as the study.

Where MLFLOW_TRACKING_URI names no server, runs are files in the folder `mlruns` of HPO_HOME.
An adopted trial goes on with its run. MLflow has no histograms: their quartiles become metrics.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from PIL import Image

from study import paths
from worker.tracking.tracker import Pixels, TrackedTrial, Values

TRIAL = "hpo.trial"  # the tag that an adopted trial's run is found by


class Mlflow:
    """One run, by the client without global state: nothing of MLflow's is switched on elsewhere."""

    def __init__(self, trial: TrackedTrial) -> None:
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            # MLflow recommends databases, of which its small client knows none
            os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
            uri = paths.mlflow_runs().as_uri()
        self._client = MlflowClient(tracking_uri=uri)
        experiment = self._experiment(trial.study)
        self._run = self._begun(experiment, trial)

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        now = int(time.time() * 1000)  # milliseconds
        metrics = [
            Metric(name, value, now, epoch)
            for name, value in values.items()
            if math.isfinite(value)
        ]
        self._client.log_batch(self._run, metrics=metrics)

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None:
        """See Tracker."""
        quartiles = {
            f"{name}.q{share}": float(np.percentile(numbers, share))
            for name, numbers in values.items()
            for share in (0, 25, 50, 75, 100)
        }
        self.scalars(epoch, quartiles)

    def pictures(self, epoch: int, pixels: Pixels) -> None:
        """See Tracker."""
        strip = Image.fromarray(np.concatenate(list(pixels), axis=1).squeeze())
        self._client.log_image(self._run, strip, artifact_file=f"pictures-{epoch:05d}.png")

    def end(self, value: float | None) -> None:
        """See Tracker."""
        if value is not None:
            self._client.log_metric(self._run, "value", value)
        self._client.set_terminated(self._run, "FINISHED" if value is not None else "KILLED")

    def _experiment(self, name: str) -> str:
        """Its id; made by whichever trial comes first."""
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException:  # another trial was faster
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _begun(self, experiment: str, trial: TrackedTrial) -> str:
        """The id of the trial's run."""
        number = str(trial.number)
        found = self._client.search_runs(
            [experiment], f"tags.`{TRIAL}` = '{number}'", max_results=1
        )
        if found:
            return str(found[0].info.run_id)
        run = self._client.create_run(experiment, tags={TRIAL: number}, run_name=f"trial {number}")
        parameters = [Param(name, str(value)) for name, value in trial.parameters.items()]
        self._client.log_batch(run.info.run_id, params=parameters)
        return str(run.info.run_id)
