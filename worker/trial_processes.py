"""Starts trials' processes, forked from a server that has torch imported, and keeps one warm.

Runs in the supervisor and never imports torch itself. Knows nothing of leases.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from worker.messages import Assignment, Command, Dismiss, Event, Standby, Stop, Warm

PRELOADED = [
    "worker.allocation",  # as the next before torch, or before what of it they are about
    "worker.without_gpu",
    "worker.without_compiler",
    "worker.trial",
    "worker.frozen",
    "worker.unmapped",
]
JOIN_SECONDS = 5.0  # a process that has closed its pipe is about to end
RETIREMENT = 10.0  # seconds for what processes do once they are dismissed, when the worker leaves


Work = Callable[[Connection, Standby], None]
"""What a process does: it is given its end of the pipe."""


class TrialProcess:
    """A process that waits for its trial, or trains it; or does other work on the device."""

    def __init__(self, standby: Standby, work: Work) -> None:
        """Forked from the server, which is started where there is none."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, standby), name="trial", daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def send(self, command: Command) -> None:
        """Says something to the trial; nothing happens if it is gone, which receive() will tell."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(command)

    def receive(self) -> Event | None:
        """The next thing the trial says; waits for it. None: it ended without a word."""
        try:
            event: Event = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None
        return event

    def has_said_warm(self) -> bool:
        """Whether Warm has come, which is then taken; asked of a process without a trial."""
        return self.pipe.poll() and isinstance(self.receive(), Warm)

    def join(self) -> int | None:
        """Waits for the end; gives the exit status, negative for a signal. May be repeated."""
        self._process.join(JOIN_SECONDS)
        if self._process.is_alive():
            self.kill()
        self.pipe.close()  # may be closed already
        return self._process.exitcode

    def linger(self, seconds: float) -> None:
        """Lets it end by itself within `seconds`, unheard; then ends it."""
        ended = wait([self._process.sentinel], seconds)
        if not ended:
            self.kill()

    def kill(self) -> None:
        """Ends it at once. One that the kernel cannot end, for it hangs in a driver, is left."""
        self._process.kill()
        self._process.join(JOIN_SECONDS)


class TrialProcesses:
    """Gives out processes that are ready to train."""

    def __init__(self, standby: Standby) -> None:
        """`standby` is what each process gets ready for before it is given a trial."""
        self._standby = standby
        self._warm: TrialProcess | None = None
        self._said_warm = False
        self._retired: list[TrialProcess] = []
        self._dismissed: list[TrialProcess] = []

    @property
    def ready(self) -> bool:
        """Whether a trial could begin at once."""
        if self._warm is not None and not self._said_warm:
            self._said_warm = self._warm.has_said_warm()
        return self._said_warm and self._warm is not None and self._warm.alive

    def prepare(self) -> None:
        """Starts the next process, unless one is ready."""
        if self._warm is None or not self._warm.alive:
            self._warm = TrialProcess(self._standby, _train)
            self._said_warm = False

    def start(self, assignment: Assignment) -> TrialProcess:
        """Gives `assignment` to the process that is ready. The next one is to be prepared once
        this one trains: forking it now would take the processor away from its first step."""
        self.prepare()
        assert self._warm is not None
        process, self._warm, self._said_warm = self._warm, None, False
        process.send(assignment)
        return process

    def retire(self, process: TrialProcess) -> None:
        """Takes a process that has said its last word: it may have figures to draw."""
        self._retired.append(process)

    def dismiss(self) -> None:
        """Lets those that are retired draw: before, they would take the processor away from the
        next trial's first step."""
        for process in self._retired:
            if process.alive:
                process.send(Dismiss())
        self._dismissed += self._retired
        self._retired.clear()

    def bury(self) -> None:
        """Takes leave of those that have ended."""
        for process in [process for process in self._dismissed if not process.alive]:
            process.join()
            self._dismissed.remove(process)

    def close(self) -> None:
        """Ends the process that is ready, and soon those that are not done."""
        deadline = time.monotonic() + RETIREMENT
        self.dismiss()
        for process in self._dismissed:
            process.linger(max(0.0, deadline - time.monotonic()))
        self.bury()
        if self._warm is not None:
            self._warm.send(Stop())  # it may have begun to decide how steps are computed
            self._warm.linger(JOIN_SECONDS)
            self._warm.join()
            self._warm = None


def _train(pipe: Connection, standby: Standby) -> None:
    """Imported late: the supervisor has no torch, and the fork server has it already."""
    from worker.trial import main

    main(pipe, standby)
