"""How long `hpo report` takes over many trials, and how large its page is.

    .venv/bin/python bench/report.py [TRIALS [FOLDER]]

A PostgreSQL of its own with a study of made-up trials in configs/pokemon.yaml's space: values from
a formula with noise, learning curves of 40 epochs, the worse half pruned on the way. Prints times
and sizes as one line of JSON; the page stays in FOLDER.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import optuna  # noqa: E402
from sqlalchemy import Connection, text  # noqa: E402

from coordinator.report.page import write_report  # noqa: E402
from study import atomic, paths  # noqa: E402
from study.config.fill import active  # noqa: E402
from study.config.load import load_study  # noqa: E402
from study.config.parameters import CategoricalParameter  # noqa: E402
from study.config.records import StudyConfig  # noqa: E402
from study.embedded import EmbeddedPostgres  # noqa: E402
from study.progress import best_trial  # noqa: E402
from study.registry import RegisteredStudy, Registry  # noqa: E402

BEGIN = datetime(2026, 1, 1)
EPOCH_SECONDS = 20.0


def main(trials: int, folder: Path) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ["HPO_ARTIFACTS"] = str(folder)
    overrides = [f"search.budget.trials={trials}"]
    config = load_study(ROOT / "configs" / "pokemon.yaml", overrides)
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        registry = Registry(server.url())
        try:
            study = registry.create(config, store="f" * 64, workers=2)
            with registry.engine.begin() as tx:
                points = sum(fill_in(tx, study, number) for number in range(trials))
            leave_a_result(registry, study)
            measure(registry, study, trials=trials, points=points)
        finally:
            registry.close()
            server.stop("immediate")


def measure(registry: Registry, study: RegisteredStudy, *, trials: int, points: int) -> None:
    fresh = Registry(registry.url)  # nothing is known of the trials yet, as in a process of its own
    began, used = time.monotonic(), time.process_time()
    page = write_report(fresh, study)
    took, busy = time.monotonic() - began, time.process_time() - used
    fresh.close()
    print(  # noqa: T201
        json.dumps(
            {
                "trials": trials,
                "epochs": points,
                "seconds": round(took, 2),
                "cpu_seconds_here": round(busy, 2),  # without the database's
                "page_mib": round(page.stat().st_size / 2**20, 2),
                "page": str(page),
            }
        )
    )


def fill_in(tx: Connection, study: RegisteredStudy, number: int) -> int:
    """Writes one trial as Optuna and the ledger would have; gives its epochs."""
    draw = random.Random(number)
    chosen = choose(study.config, draw)
    curve = learn(chosen, draw)
    pruned = number > 10 and max(curve) < 0.55
    curve = curve[: draw.randrange(6, 30)] if pruned else curve
    begun = BEGIN + timedelta(seconds=number * 10 * EPOCH_SECONDS)
    state, outcome = ("PRUNED", "pruned") if pruned else ("COMPLETE", "complete")
    key = tx.execute(
        text(
            "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete) VALUES"
            " (:number, :study, :state, :begun, :ended) RETURNING trial_id"
        ),
        {
            "number": number,
            "study": study.study_id,
            "state": state,
            "begun": begun,
            "ended": begun + timedelta(seconds=len(curve) * EPOCH_SECONDS),
        },
    ).scalar_one()
    write_children(tx, key, study, chosen, curve, outcome)
    return len(curve)


def write_children(
    tx: Connection,
    key: int,
    study: RegisteredStudy,
    chosen: dict[str, Any],
    curve: list[float],
    outcome: str,
) -> None:
    for name, value in chosen.items():
        distribution = distribution_of(study.config, name)
        tx.execute(
            text(
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
                " VALUES (:key, :name, :value, :distribution)"
            ),
            {
                "key": key,
                "name": name,
                "value": distribution.to_internal_repr(value),
                "distribution": optuna.distributions.distribution_to_json(distribution),
            },
        )
    tx.execute(
        text(
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"
            " intermediate_value_type) VALUES (:key, :step, :value, 'FINITE')"
        ),
        [{"key": key, "step": step, "value": value} for step, value in enumerate(curve)],
    )
    tx.execute(
        text(
            "INSERT INTO ledger.epoch (trial_id, epoch, token, worker, metrics)"
            " VALUES (:key, :epoch, 1, 'w', CAST(:metrics AS jsonb))"
        ),
        [
            {"key": key, "epoch": epoch, "metrics": json.dumps({"accuracy": value})}
            for epoch, value in enumerate(curve)
        ],
    )
    row = {"key": key, "study": study.study_id, "outcome": outcome, "value": max(curve)}
    row |= {"seconds": len(curve) * EPOCH_SECONDS, "json": json.dumps(outcome)}
    for statement in (
        "INSERT INTO trial_values (trial_id, objective, value, value_type)"
        " VALUES (:key, 0, :value, 'FINITE')",
        "INSERT INTO trial_user_attributes (trial_id, key, value_json)"
        " VALUES (:key, 'outcome', :json)",
        "INSERT INTO ledger.lease (trial_id, study_id, worker, device_seconds, outcome)"
        " VALUES (:key, :study, 'w', :seconds, :outcome)",
    ):
        tx.execute(text(statement), row)


def choose(config: StudyConfig, draw: random.Random) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for name, parameter in config.space.items():
        if not active(parameter, chosen):
            continue
        if isinstance(parameter, CategoricalParameter):
            chosen[name] = draw.choice(parameter.choices)
        elif parameter.type == "int" and not parameter.log:
            chosen[name] = draw.randrange(parameter.low, parameter.high + 1, parameter.step)
        elif parameter.log:
            value = math.exp(draw.uniform(math.log(parameter.low), math.log(parameter.high)))
            chosen[name] = round(value) if parameter.type == "int" else value
        else:
            chosen[name] = draw.uniform(parameter.low, parameter.high)
    return chosen


def learn(chosen: dict[str, Any], draw: random.Random) -> list[float]:
    """Best in the middle of the learning rates, better with depth, worse with much dropout."""
    rate = math.log10(chosen["training.learning_rate"])
    end = 0.62 - 0.12 * (rate + 2.8) ** 2 + 0.03 * (chosen["model.n_layers"] - 4)
    end += -0.15 * max(0.0, chosen["model.dropout"] - 0.35) + draw.gauss(0.0, 0.04)
    end -= 0.04 * (chosen["training.batch_size"] == 256)
    speed = draw.uniform(4.0, 9.0)
    return [
        max(0.01, end * (1 - math.exp(-(epoch + 1) / speed)) + draw.gauss(0.0, 0.008))
        for epoch in range(40)
    ]


def distribution_of(config: StudyConfig, name: str) -> optuna.distributions.BaseDistribution:
    parameter = config.space[name]
    if isinstance(parameter, CategoricalParameter):
        return optuna.distributions.CategoricalDistribution(parameter.choices)
    if parameter.type == "int":
        return optuna.distributions.IntDistribution(
            parameter.low, parameter.high, log=parameter.log, step=parameter.step
        )
    return optuna.distributions.FloatDistribution(
        parameter.low, parameter.high, log=parameter.log, step=parameter.step
    )


def leave_a_result(registry: Registry, study: RegisteredStudy) -> None:
    """150 classes, as the study has."""
    draw = random.Random(0)
    names = [f"species-{index:03d}" for index in range(150)]
    confusion = [
        [draw.randrange(20, 40) if row == column else draw.randrange(2) for column in range(150)]
        for row in range(150)
    ]
    each = {"precision": 0.6, "recall": 0.6, "f1": 0.6, "support": 30}
    result = {
        "classes": names,
        "confusion": confusion,
        "per_class": dict.fromkeys(names, each),
        "low_support": names[:3],
        "metrics": {"accuracy": 0.6},
        "mistakes": [
            {"name": f"a/{n}.png", "true": names[n], "predicted": names[-n - 1], "confidence": 0.9}
            for n in range(30)
        ],
    }
    best = best_trial(registry, study)
    assert best is not None
    atomic.write_json(paths.artifacts(study.name).trial(best.number) / paths.RESULT, result)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hpo-report-") as place:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 1000,
            Path(sys.argv[2]) if len(sys.argv) > 2 else Path(place),
        )
