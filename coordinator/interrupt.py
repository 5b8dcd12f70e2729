"""SIGTERM as an exception, so that it ends a verb as Ctrl-C does: from wherever it is, cleanly.

Knows nothing of what a verb does about it.
"""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from study import exit_codes

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_AFTER = 0.01  # seconds: until Python is back from collecting an object


class Terminated(BaseException):
    """SIGTERM came. As KeyboardInterrupt, no Exception: nobody takes it for an error to bear."""


INTERRUPTS = (KeyboardInterrupt, Terminated)


def raise_on_sigterm() -> None:
    """Raises Terminated in the main thread at the first SIGTERM and ignores those after it: make
    passes on to its child what the child, of the same group, has had already.

    Python drops what is raised while it collects an object (in __del__, in the callback of a weak
    reference): an interrupt that comes just then is raised once more after that."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _raise_again


def exit_status(interrupt: BaseException) -> int:
    """Of a verb that `interrupt` has ended."""
    terminated = isinstance(interrupt, Terminated)
    return exit_codes.PREEMPTED if terminated else exit_codes.INTERRUPTED


def _terminate(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _raise_again(dropped: UnraisableHookArgs, /) -> None:
    if not issubclass(dropped.exc_type, INTERRUPTS):
        sys.__unraisablehook__(dropped)
        return
    signal.signal(signal.SIGALRM, partial(_raise, dropped.exc_type))
    signal.setitimer(signal.ITIMER_REAL, AGAIN_AFTER)


def _raise(interrupt: type[BaseException], *_: Any) -> NoReturn:
    raise interrupt
