"""What a step for a study in the cluster comes to.

Knows nothing of how it is arrived at (see decide.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator.cluster.records import Answer, Phase
from coordinator.cluster.service.actions import Action


@dataclass(frozen=True)
class Decision:
    """What to do now, and how the study stands."""

    phase: Phase
    actions: tuple[Action, ...] = ()
    reason: str = ""
    """Why it waits, failed or was refused."""
    answer: Answer | None = None
    """To the request's order, once there is one."""

    def also(self, action: Action) -> Decision:
        """The same with one more thing to do."""
        return replace(self, actions=(*self.actions, action))
