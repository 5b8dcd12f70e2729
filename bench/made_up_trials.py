"""Trials that nobody trained, for measuring what reads them: values from a formula with noise,
learning curves of 40 epochs, the worse half pruned on the way.

Writes rows as Optuna and the ledger would. Knows nothing of what is measured.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import optuna
from sqlalchemy import Connection, text

from study import atomic, paths
from study.config.fill import active
from study.config.parameters import CategoricalParameter
from study.config.records import StudyConfig
from study.progress import best_trial
from study.registry import RegisteredStudy, Registry

BEGIN = datetime(2026, 1, 1)
EPOCH_SECONDS = 20.0


def fill_in(tx: Connection, study: RegisteredStudy, number: int) -> int:
    """Writes one trial as Optuna and the ledger would have; gives its epochs."""
    draw = random.Random(number)
    chosen = _choose(study.config, draw)
    curve = _learn(chosen, draw)
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
    _write_parameters(tx, key, study.config, chosen)
    _write_curve(tx, key, curve)
    _write_end(tx, key, study, curve, outcome)
    return len(curve)


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


def _write_parameters(
    tx: Connection, key: int, config: StudyConfig, chosen: dict[str, Any]
) -> None:
    for name, value in chosen.items():
        distribution = _distribution_of(config, name)
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


def _write_curve(tx: Connection, key: int, curve: Sequence[float]) -> None:
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


def _write_end(
    tx: Connection, key: int, study: RegisteredStudy, curve: Sequence[float], outcome: str
) -> None:
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


def _choose(config: StudyConfig, draw: random.Random) -> dict[str, Any]:
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


def _learn(chosen: dict[str, Any], draw: random.Random) -> list[float]:
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


def _distribution_of(config: StudyConfig, name: str) -> optuna.distributions.BaseDistribution:
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
