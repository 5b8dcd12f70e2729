"""Runs a state machine of hypothesis on a database of its own."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.engine import URL

from study.registry import Registry


def run_machine(machine: type[RuleBasedStateMachine], url: URL, *, examples: int) -> None:
    """Each example is a story of 20 steps. The machine is given `registry`, a Registry at `url`."""
    registry = Registry(url)
    case = type(machine.__name__, (machine,), {"registry": registry}).TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=20,
        suppress_health_check=list(HealthCheck),
    )
    try:
        case("runTest").runTest()
    finally:
        registry.close()
