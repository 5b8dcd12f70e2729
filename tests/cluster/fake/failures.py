"""Failures of the API server, to order.

Knows nothing of what requests do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from tests.cluster.fake.store import ApiError

REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    verb: str
    """As RBAC has it: get, list, watch, create, patch, delete."""
    resource: str
    """Plural, with its subresource: `pods/log`."""
    name: str
    agent: str
    """User-Agent."""
    query: tuple[tuple[str, str], ...] = ()


@dataclass
class Failure:
    """What happens to the next requests of a kind."""

    verb: str = "*"
    resource: str = "*"
    how: Literal["status", "drop", "lose", "hang"] = "status"
    """status: an error answer. drop: the connection breaks before the request is carried out.
    lose: it breaks afterwards, so the answer is lost. hang: no answer until the failure is over."""
    status: int = 500
    message: str = "ordered by the test"
    retry_after: int | None = None
    """Seconds."""
    times: int = 1
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def hits(self, asked: Asked) -> bool:
        """Whether it is about this request."""
        return self.verb in ("*", asked.verb) and self.resource in ("*", asked.resource)


class Failures:
    """Those that are ordered, the oldest first. `meet` runs in the server's loop."""

    def __init__(self) -> None:
        self._ordered: list[Failure] = []

    def order(self, failure: Failure) -> None:
        """May be called from any thread."""
        self._ordered.append(failure)

    def clear(self) -> list[Failure]:
        """Forgets all; gives them."""
        ordered, self._ordered = self._ordered, []
        return ordered

    async def meet(self, asked: Asked) -> bool:
        """Fails the request as ordered; gives whether its answer is to be lost. Raises ApiError,
        and ConnectionResetError for a connection that breaks."""
        failure = next((failure for failure in self._ordered if failure.hits(asked)), None)
        if failure is None:
            return False
        failure.times -= 1
        if failure.times <= 0:
            self._ordered.remove(failure)
        if failure.how == "hang":
            await failure.over.wait()
        elif failure.how == "drop":
            raise ConnectionResetError
        elif failure.how == "status":
            reason = REASONS.get(failure.status, "InternalError")
            raise ApiError(failure.status, reason, failure.message, failure.retry_after)
        return failure.how == "lose"
