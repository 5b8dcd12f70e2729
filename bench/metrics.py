"""What an epoch's metrics cost beside the epoch: the share of its time, in percent.

Trains DynamicCNN on noise and measures both splits as worker/training/epoch.py
does: metrics of the training steps' logits and of the validation split, and what is kept of it.
Epochs and metrics take turns, so that a busy machine slows both down alike.

    .venv/bin/python -m bench.metrics --classes 150 --pictures 4000
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch
from torch import Tensor

from study.config.models import DynamicCnnConfig
from study.config.training import TrainingConfig
from worker.evaluation.findings import find
from worker.evaluation.logits import predict_logits
from worker.evaluation.metrics import summarise
from worker.models.build import build_model
from worker.training.learner import Learner
from worker.training.progress import Progress

CPU = torch.device("cpu")
SIZE, BATCH = 64, 64  # pixels, pictures


def epoch(
    learner: Learner, batches: list[tuple[Tensor, Tensor]], validated: int
) -> tuple[float, float]:
    """Seconds of an epoch over the batches with the first ones as validation, and of its metrics
    alone."""
    began = time.perf_counter()
    learner.model.train()
    progress = Progress()
    for images, labels in batches:
        loss, logits = learner.step(images, labels, 1e-3)
        progress.count(loss, logits, labels, 0.0)
    outputs = predict_logits(learner.model, batches[:validated], dtype=learner.dtype)
    measured = time.perf_counter()
    summarise(*progress.outputs(CPU))
    summarise(*outputs)
    find(*outputs, np.arange(len(outputs[1])))
    done = time.perf_counter()
    return done - began, done - measured


def main() -> None:
    """Prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=2000, help="of the training split")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = build_model(
        DynamicCnnConfig(), channels=3, image_size=SIZE, n_classes=arguments.classes
    )
    learner = Learner(model, TrainingConfig(batch_size=BATCH), device=CPU)
    steps = arguments.pictures // BATCH
    batches = [
        (
            torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last),
            torch.randint(arguments.classes, (BATCH,)),
        )
        for _ in range(steps)
    ]
    epoch(learner, batches, steps // 5)  # warms up
    times = [epoch(learner, batches, steps // 5) for _ in range(arguments.epochs)]
    shares = [100 * metrics / whole for whole, metrics in times]
    print(  # noqa: T201
        json.dumps(
            {
                "classes": arguments.classes,
                "pictures": steps * BATCH,
                "epoch_seconds": round(statistics.median(whole for whole, _ in times), 3),
                "metrics_seconds": round(statistics.median(metrics for _, metrics in times), 4),
                "percent": round(statistics.median(shares), 2),
                "worst_percent": round(max(shares), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
