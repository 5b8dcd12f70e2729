"""The verb that the coordinator's container runs.

What it does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations


def coordinate() -> None:
    """Attend to the studies that are asked for in this namespace, until SIGTERM."""
    from coordinator.cluster.service.coordinate import coordinate as verb

    verb()
