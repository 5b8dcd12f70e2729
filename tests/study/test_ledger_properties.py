"""Whatever workers do and however they die: N trials means N, and only the holder writes."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import text
from sqlalchemy.engine import URL

from study.errors import LeaseLost
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.registry import Registry
from tests.study.conftest import STORE, make_config
from tests.study.machine import run_machine

_studies = itertools.count()
WORKERS = st.sampled_from(["a", "b", "c"])


class LedgerMachine(RuleBasedStateMachine):
    """Three workers and a model of who holds what."""

    registry: Registry

    @initialize(trials=st.integers(1, 4))
    def create(self, trials: int) -> None:
        name = f"study-{next(_studies)}"
        config = make_config(name, search={"budget": {"trials": trials}})
        self.study = self.registry.create(config, store=STORE, workers=3)
        self.trials = trials
        self.held: dict[str, list[Lease]] = {"a": [], "b": [], "c": []}
        self.stale: list[tuple[str, Lease]] = []
        self.ledgers = {
            name: Ledger(self.registry.engine, self.study.study_id, name) for name in self.held
        }

    def claim_one(self, worker: str) -> Lease | NoTrial:
        holding = [lease.trial_id for lease in self.held[worker]]
        answer = self.ledgers[worker].claim(holding)
        if isinstance(answer, Lease):
            self.held[worker].append(answer)
        return answer

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        answer = self.claim_one(worker)
        if answer is NoTrial.DONE:
            assert not any(self.held.values())

    @rule(worker=WORKERS, epoch=st.integers(0, 5), value=st.floats(allow_nan=True))
    def report(self, worker: str, epoch: int, value: float) -> None:
        for lease in self.held[worker][:1]:
            self.ledgers[worker].report(
                lease, epoch=epoch, intermediate=Intermediate(epoch, value), metrics={"x": value}
            )

    @rule(worker=WORKERS, outcome=st.sampled_from(Outcome))
    def finish(self, worker: str, outcome: Outcome) -> None:
        for lease in self.held[worker][:1]:
            self.ledgers[worker].finish(lease, outcome, value=0.5)
            self.held[worker].remove(lease)
            self.stale.append((worker, lease))

    @rule(worker=WORKERS, lost=st.booleans())
    def release(self, worker: str, lost: bool) -> None:
        for lease in self.held[worker][:1]:
            self.ledgers[worker].release(lease, lost=lost)
            self.held[worker].remove(lease)
            self.stale.append((worker, lease))

    @rule(worker=WORKERS, by=WORKERS)
    def die(self, worker: str, by: str) -> None:
        self.ledgers[by].expire(worker)
        self.stale += [(worker, lease) for lease in self.held[worker]]
        self.held[worker] = []

    @rule(data=st.data())
    def write_late(self, data: st.DataObject) -> None:
        """A worker that does not know that its lease is over, once another has adopted."""
        current = {lease.trial_id for leases in self.held.values() for lease in leases}
        late = [entry for entry in self.stale if entry[1].trial_id in current]
        if late:
            worker, lease = data.draw(st.sampled_from(late))
            for write in (
                lambda: self.ledgers[worker].heartbeat(lease, 1.0),
                lambda: self.ledgers[worker].report(
                    lease, epoch=9, intermediate=Intermediate(9, 0.9), metrics={}
                ),
            ):
                try:
                    write()
                except LeaseLost:
                    continue
                raise AssertionError(f"{worker} wrote under the old {lease}")

    @invariant()
    def budget_is_kept(self) -> None:
        if hasattr(self, "study"):
            budget = self.ledgers["a"].budget()
            assert budget.begun <= self.trials
            assert budget.open >= sum(map(len, self.held.values()))

    def teardown(self) -> None:
        """The survivors finish everything: exactly N ended trials, no epoch written late."""
        if not hasattr(self, "study"):
            return
        for worker in ("b", "c"):
            self.ledgers["a"].expire(worker)
            self.held[worker] = []
        for _ in range(20 * self.trials):
            for lease in list(self.held["a"]):
                self.ledgers["a"].finish(lease, Outcome.COMPLETE, value=0.5)
                self.held["a"].remove(lease)
            if self.claim_one("a") is NoTrial.DONE:
                break
        else:
            raise AssertionError("the study does not come to an end")
        trials = self.registry.optuna_study(self.study).trials
        assert [trial.number for trial in trials] == list(range(self.trials))
        assert all(trial.state.is_finished() for trial in trials)
        with self.registry.engine.connect() as connection:
            late = connection.execute(text("SELECT count(*) FROM ledger.epoch WHERE epoch = 9"))
            assert late.scalar_one() == 0


def test_whatever_happens_n_trials_means_n(postgres_url: URL) -> None:
    run_machine(LedgerMachine, postgres_url, examples=25)
