"""A trial for Weights & Biases: one run of a project named as the study.

With WANDB_API_KEY it goes to the service, and an adopted trial goes on with its run. Without one it
becomes files in the trial's directory, a folder for each process, which `wandb sync` sends later;
WANDB_MODE overrules this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, cast

import wandb

from worker.tracking.tracker import Pixels, TrackedTrial, Values

Mode = Literal["online", "offline", "disabled"]


class WeightsAndBiases:
    """One run. Starts a process of wandb's own, which `end` ends."""

    def __init__(self, trial: TrackedTrial) -> None:
        online = "online" if os.environ.get("WANDB_API_KEY") else "offline"
        mode = os.environ.get("WANDB_MODE", online)
        name = f"{trial.study}-{trial.number:05d}"
        trial.directory.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=trial.study,
            group=trial.study,
            name=name,
            id=name,
            resume="allow" if mode == "online" else None,
            mode=cast(Mode, mode),  # wandb names the valid ones
            dir=str(trial.directory),
            config=dict(trial.parameters),
            # nothing of this machine: not what it prints, how busy it is, what is installed
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                x_disable_stats=True,
                x_disable_meta=True,
                x_save_requirements=False,
            ),
        )

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        self._run.log(dict(values), step=epoch)

    def histograms(self, epoch: int, values: Mapping[str, Values]) -> None:
        """See Tracker."""
        told = {name: wandb.Histogram(numbers) for name, numbers in values.items()}
        self._run.log(told, step=epoch)

    def pictures(self, epoch: int, pixels: Pixels) -> None:
        """See Tracker."""
        self._run.log({"pictures": [wandb.Image(one.squeeze()) for one in pixels]}, step=epoch)

    def end(self, value: float | None) -> None:
        """See Tracker."""
        if value is not None:
            self._run.summary["value"] = value
        self._run.finish()
        wandb.teardown()  # waits for its process, which writes what is left
