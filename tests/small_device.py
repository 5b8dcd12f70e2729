"""A worker on a device that has memory for one trial: another one beside it finds too little.

    python -m tests.small_device run

Stands in for a GPU's memory, which a machine without one cannot run out of: the trial that comes
second raises what torch raises. All else is the worker's own. HPO_TEST_DEVICE names a file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any


@contextmanager
def taken() -> Iterator[None]:
    """The memory, by one process at a time."""
    import torch

    with Path(os.environ["HPO_TEST_DEVICE"]).open("wb") as device:
        try:
            fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB") from None
        yield


def shrink() -> None:
    """In a trial's process: what it trains with needs the memory until it leaves the device."""
    from worker import trial

    open_fold = trial.open_fold

    @contextmanager
    def in_its_memory(*what: Any) -> Iterator[Any]:
        with ExitStack() as memory:
            memory.enter_context(taken())
            with open_fold(*what) as fold:
                memory.callback(fold.close)
                yield replace(fold, close=memory.close)

    trial.open_fold = in_its_memory


if __name__ == "__main__":
    from worker.cli import main

    main()
elif __name__ == "__mp_main__":  # what multiprocessing calls it in the processes it starts
    shrink()
