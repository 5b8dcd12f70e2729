"""The trial's end of the pipe: commands come in on a thread, so that a stop or a bad verdict is
seen at any time.

Knows nothing of training. A closed pipe means that the supervisor is gone: the process ends at
once, whatever it is doing, because the trial may already be someone else's. So it does on a Stop
that comes before it has told anything of a trial: how steps are computed is measured then, or the
first one compiled, for a minute that nothing could interrupt, and there is nothing to save.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue

from worker.messages import Assignment, Command, Continue, Event, Interrupted, Prune, Stop, Warm

ORPHANED = 70  # exit status of a process whose supervisor is gone


class Orders:
    """Receives commands and sends events. One thread at a time waits for commands; any may ask for
    a stop and send."""

    def __init__(self, connection: Connection, parting: Callable[[], None] = lambda: None) -> None:
        """parting: called, by another thread, before a Stop ends the process."""
        self._connection = connection
        self._parting = parting
        self._telling = threading.Lock()
        self._told = False
        """Whether the supervisor knows something of the trial."""
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._stop = threading.Event()
        self._pruned = threading.Event()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def stop_requested(self) -> bool:
        """Whether a Stop has come, or the verdict that the trial is to be pruned."""
        return self._stop.is_set() or self._pruned.is_set()

    def assignment(self) -> Assignment:
        """Waits for work. Without a time limit: the supervisor decides how long a warm process
        waits, and if it dies the listening thread ends this one, as a Stop does."""
        command = self._commands.get()
        assert isinstance(command, Assignment)
        return command

    def may_continue(self) -> bool | None:
        """Waits for the verdict on an epoch: True to go on, False to prune, None on a Stop, which
        overtakes the others. Without a time limit, as above."""
        command = self._commands.get()
        return None if self._stop.is_set() else isinstance(command, Continue)

    def dismissed(self) -> None:
        """Waits until the supervisor has time for what is left to do. Without a limit, as above."""
        self._commands.get()

    def send(self, event: Event) -> None:
        """Tells the supervisor."""
        with self._telling:
            self._told = self._told or not isinstance(event, Warm)
            self._send(event)

    def _send(self, event: Event) -> None:
        try:
            self._connection.send(event)
        except OSError:
            os._exit(ORPHANED)

    def _listen(self) -> None:
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                os._exit(ORPHANED)
            if isinstance(command, Stop):
                self._stop.set()
                self._end_if_nothing_is_lost()
            if isinstance(command, Prune):
                self._pruned.set()
            self._commands.put(command)

    def _end_if_nothing_is_lost(self) -> None:
        with self._telling:
            if not self._told:
                self._parting()
                self._send(Interrupted(checkpoint=None, value=None, weights=None))
                os._exit(0)
