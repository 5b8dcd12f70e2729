"""The section `tracking`: where else a trial's curves go, with every default.

It decides no result: a study goes on with another one. Knows nothing of the services themselves
(worker/tracking).
"""

from __future__ import annotations

from typing import Literal

from study.config.record import Record

TrackerName = Literal["tensorboard", "wandb", "mlflow"]
Detail = Literal["weights", "gradients", "activations", "pictures"]


class TrackingConfig(Record):
    """What is told of a trial while it trains, and to whom."""

    trackers: tuple[TrackerName, ...] = ("tensorboard",)
    """Each gets every metric of every epoch, and the trial's parameters with its value at the end.
    tensorboard: files in the trial's directory; wandb: Weights & Biases, without WANDB_API_KEY
    files there, too; mlflow: MLFLOW_TRACKING_URI, else files in HPO_HOME."""
    details: tuple[Detail, ...] = ()
    """Histograms of what the model is like inside, after every epoch, and in the first one pictures
    as they are fed. Each epoch costs one more pass over 16 pictures."""
