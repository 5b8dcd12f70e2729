"""SIGTERM as an exception, so that it ends a verb as Ctrl-C does: from wherever it is, cleanly.

Knows nothing of what a verb does about it.
"""

from __future__ import annotations

import signal

from study import exit_codes


class Terminated(BaseException):
    """SIGTERM came. As KeyboardInterrupt, no Exception: nobody takes it for an error to bear."""


INTERRUPTS = (KeyboardInterrupt, Terminated)


def raise_on_sigterm() -> None:
    """Raises Terminated in the main thread at the first SIGTERM and ignores those after it: make
    passes on to its child what the child, of the same group, has had already."""
    signal.signal(signal.SIGTERM, _terminate)


def exit_status(interrupt: BaseException) -> int:
    """Of a verb that `interrupt` has ended."""
    terminated = isinstance(interrupt, Terminated)
    return exit_codes.PREEMPTED if terminated else exit_codes.INTERRUPTED


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated
