"""What a search could still gain: bounded after every complete trial, and a search for which it is
too little is concluded.

The bound is Optuna's: on the difference between the best value there is and the best one found,
from a Gaussian process over the complete trials; it holds with a probability of 90 % as far as the
model does (Makarova et al., "Automatic Termination for Hyperparameter Optimization", AutoML 2022).
That takes torch and seconds of a core: it is done in a process of its own, which nobody waits for.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import warnings
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from study.ledger import Ledger
from worker.patience import Patience

MIN_TRIALS = 20  # complete ones, before which the model says little; Optuna's own number

log = logging.getLogger(__name__)


class Outlook:
    """One worker's. Use from the main thread."""

    def __init__(
        self, ledger: Ledger, study: optuna.Study, patience: Patience, least: float | None
    ) -> None:
        """`least` is what must still be to gain, in the metric; None: the search is not
        concluded."""
        self._ledger = ledger
        self._study = study
        self._patience = patience
        self._least = least
        self._process: multiprocessing.process.BaseProcess | None = None
        self.pipes: list[Connection] = []
        """To be waited for; given to `attend` when they can be read."""

    def consider(self) -> None:
        """A trial has ended: begins to bound what is left, unless that is being done."""
        if self._least is None or self._process is not None:
            return
        complete = self._patience(self._complete)
        if len(complete) < MIN_TRIALS:
            return
        context = multiprocessing.get_context("forkserver")  # the trials', which has torch
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_work, args=(theirs, complete, self._study.direction), daemon=True
        )
        process.start()
        theirs.close()
        self._process, self.pipes = process, [ours]

    def attend(self, ready: Collection[object]) -> None:
        """Takes the bound, if it has come; concludes the search where it is too low."""
        if not any(pipe in ready for pipe in self.pipes):
            return
        bound: float | None = None
        with contextlib.suppress(EOFError, OSError):  # it died: the next trial gives another chance
            bound = self.pipes[0].recv()
        self.close()
        if bound is None or self._least is None:
            return
        log.info("at most %.4g is left to gain", bound)
        if bound < self._least:
            reason = f"at most {bound:.2g} is left to gain, below {self._least:g}"
            self._patience(lambda: self._ledger.conclude(reason))

    def close(self) -> None:
        """Ends what is being done."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.pipes.pop().close()
            self._process = None

    def _complete(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def regret_bound(trials: Sequence[FrozenTrial], direction: StudyDirection) -> float:
    """The bound, in the metric; the same for the same trials. trials: complete."""
    with warnings.catch_warnings():
        # "experimental", and on its way out of Optuna in version 6; the interface has stayed
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", FutureWarning)
        from optuna.terminator import RegretBoundEvaluator

        evaluator = RegretBoundEvaluator(min_n_trials=MIN_TRIALS, seed=0)
        return float(evaluator.evaluate(list(trials), direction))


def _work(pipe: Connection, trials: Sequence[FrozenTrial], direction: StudyDirection) -> None:
    """Runs in the process of its own, at the lowest priority."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group; the supervisor decides
    os.nice(19)
    import torch

    torch.set_num_threads(1)
    pipe.send(regret_bound(trials, direction))
