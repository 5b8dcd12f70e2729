"""Whatever workers do and however they die, the ledger promotes whom ASHA's rule promotes."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import random
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Row, create_engine, text
from sqlalchemy.engine import URL

from study.halving import Halving
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.registry import Registry
from tests.study.asha import Asha
from tests.study.conftest import STORE, make_config
from tests.study.machine import run_machine

RUNGS = 3  # a trial that has climbed them all is complete
WORKERS = ("a", "b", "c")
VALUES = st.one_of(st.sampled_from([0.25, 0.5, math.nan]), st.floats(0, 1))

_studies = itertools.count()


class HalvingMachine(RuleBasedStateMachine):
    """Three workers and a model of who stands where."""

    registry: Registry

    @initialize(trials=st.integers(1, 9), factor=st.integers(2, 4))
    def create(self, trials: int, factor: int) -> None:
        pruner = {"name": "asha", "reduction_factor": factor}
        search = {"budget": {"trials": trials}, "pruner": pruner}
        name, patient = f"study-{next(_studies)}", {"max_attempts": 1000}
        config = make_config(name, search=search, resources=patient)
        self.study = self.registry.create(config, store=STORE, workers=3)
        halving = Halving.of(config.search)
        self.ledgers = {
            name: Ledger(self.registry.engine, self.study.study_id, name, halving)
            for name in WORKERS
        }
        self.trials = trials
        self.model = Asha(factor)
        self.begun = 0
        self.held: dict[str, Lease] = {}
        self.free: list[int] = []  # released or expired, to be adopted
        self.rung: dict[int, int] = {}  # that comes next for each trial
        self.complete = 0
        self.done = False

    def expected(self) -> tuple[str, int | None]:
        """What the next claim gives, and makes of the model."""
        if self.free:
            return "adopt", min(self.free)
        promoted = self.model.promote()
        if promoted is not None:
            return "promote", promoted
        if self.begun < self.trials:
            return "begin", self.begun
        if self.held:
            return "wait", None
        leader = None if self.complete else self.model.promote_leader()
        return ("done", None) if leader is None else ("promote", leader)

    @rule(worker=st.sampled_from(WORKERS))
    def claim(self, worker: str) -> None:
        if worker in self.held:
            return
        kind, number = self.expected()
        answer = self.ledgers[worker].claim()
        if kind in ("wait", "done"):
            assert answer is (NoTrial.WAIT if kind == "wait" else NoTrial.DONE)
            self.done = kind == "done"
            if self.done:
                self.model.ended |= set(self.model.paused())
            return
        assert isinstance(answer, Lease)
        assert (answer.number, answer.promoted) == (number, kind == "promote")
        self.held[worker] = answer
        if kind == "adopt":
            self.free.remove(answer.number)
        self.begun += kind == "begin"

    @precondition(lambda self: self.held)
    @rule(data=st.data(), value=VALUES, told=st.booleans())
    def climb(self, data: st.DataObject, value: float, told: bool) -> None:
        """A worker trains its trial to the next rung; it may die before it lets it go."""
        worker = data.draw(st.sampled_from(sorted(self.held)))
        lease, ledger = self.held[worker], self.ledgers[worker]
        rung = self.rung.get(lease.number, 0)
        if rung == RUNGS:
            ledger.finish(lease, Outcome.COMPLETE, value=0.5)
            self.end(worker)
            self.complete += 1
            return
        reached = Intermediate(rung, value, rung)
        reported = ledger.report(lease, epoch=rung, intermediate=reached, metrics={})
        self.rung[lease.number] = rung + 1
        assert reported.paused != self.model.reach(lease.number, rung, value)
        if reported.paused:
            del self.held[worker]
            if told:
                ledger.rest(lease, value=0.9, weights="best.pt")

    @precondition(lambda self: self.held)
    @rule(data=st.data(), outcome=st.sampled_from([Outcome.DIVERGED, Outcome.FAILED]))
    def fail(self, data: st.DataObject, outcome: Outcome) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        self.ledgers[worker].finish(self.held[worker], outcome)
        self.end(worker)

    def end(self, worker: str) -> None:
        self.model.ended.add(self.held.pop(worker).number)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), dies=st.booleans())
    def leave(self, data: st.DataObject, dies: bool) -> None:
        worker = data.draw(st.sampled_from(sorted(self.held)))
        lease = self.held.pop(worker)
        if dies:
            self.ledgers["a"].expire(worker)
        else:
            self.ledgers[worker].release(lease)
        self.free.append(lease.number)

    @invariant()
    def budget_is_kept(self) -> None:
        if not hasattr(self, "study") or self.done:
            return
        budget = self.ledgers["a"].budget()
        assert budget.begun == self.begun <= self.trials
        assert budget.paused == len(self.model.paused())
        assert budget.open == len(self.held) + len(self.free)

    def teardown(self) -> None:
        """A worker alone brings it to its end: exactly N ended trials, whatever came before."""
        if not hasattr(self, "study"):
            return
        for worker in ("b", "c"):
            self.ledgers["a"].expire(worker)
        ledger, lease = self.ledgers["a"], self.held.get("a")
        while True:
            if lease is not None:
                ledger.finish(lease, Outcome.COMPLETE, value=0.5)
            claimed = ledger.claim()
            if not isinstance(claimed, Lease):
                break
            lease = claimed
        assert claimed is NoTrial.DONE
        trials = self.registry.optuna_study(self.study).trials
        assert [trial.number for trial in trials] == list(range(self.trials))
        assert all(trial.state.is_finished() for trial in trials)


def test_the_ledger_promotes_whom_the_rule_promotes(postgres_url: URL) -> None:
    run_machine(HalvingMachine, postgres_url, examples=12)


def work(url: str, study_id: int, name: str, halving: Halving) -> None:
    """A worker's process: climbs with whatever it claims, until the study is done."""
    engine = create_engine(url)
    ledger = Ledger(engine, study_id, name, halving)
    values = random.Random(name)
    while (lease := ledger.claim()) is not NoTrial.DONE:
        if lease is NoTrial.WAIT:
            continue
        assert isinstance(lease, Lease)
        rung = 0 if lease.last_epoch is None else lease.last_epoch + 1
        while rung < RUNGS:
            reached = Intermediate(rung, round(values.random(), 1), rung)
            if ledger.report(lease, epoch=rung, intermediate=reached, metrics={}).paused:
                ledger.rest(lease, value=reached.value, weights=None)
                break
            rung += 1
        else:
            ledger.finish(lease, Outcome.COMPLETE, value=0.5)
    engine.dispose()


# The order in which things happened: written under the lock of the study's row, as they do.
JOURNAL = """
CREATE TABLE journal (id bigserial, what text, trial integer, rung integer, value float8, tx xid8);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO journal (what, trial, rung, value, tx)
  SELECT TG_ARGV[0], t.number, r.rung, r.value, pg_current_xact_id()
  FROM trials t LEFT JOIN ledger.rung r ON r.trial_id = t.trial_id AND r.rung =
       (SELECT max(rung) FROM ledger.rung WHERE trial_id = t.trial_id)
  WHERE t.trial_id = NEW.trial_id;
  RETURN NULL;
END $$;
CREATE TRIGGER begun AFTER INSERT ON ledger.lease FOR EACH ROW EXECUTE FUNCTION note('begun');
CREATE TRIGGER reached AFTER INSERT ON ledger.rung FOR EACH ROW EXECUTE FUNCTION note('reached');
CREATE TRIGGER promoted AFTER UPDATE ON ledger.rung FOR EACH ROW
WHEN (NEW.promoted AND NOT OLD.promoted) EXECUTE FUNCTION note('promoted');
-- Before a report at a rung is committed it can be overtaken, if it does not hold the lock.
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER lingered AFTER INSERT ON ledger.rung DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION linger();
"""


def test_processes_that_claim_at_once_promote_whom_the_rule_promotes(postgres_url: URL) -> None:
    registry = Registry(postgres_url)
    pruner = {"name": "asha", "reduction_factor": 2}
    config = make_config(search={"budget": {"trials": 24}, "pruner": pruner})
    study = registry.create(config, store=STORE, workers=3)
    with registry.engine.begin() as tx:
        tx.execute(text(JOURNAL.replace(":", "\\:")))
    halving = Halving.of(config.search)
    url = postgres_url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=work, args=(url, study.study_id, f"worker-{number}", halving))
        for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    with registry.engine.connect() as connection:
        journal = connection.execute(text("SELECT * FROM journal ORDER BY id")).all()
    trials = registry.optuna_study(study).trials
    registry.close()
    assert [trial.number for trial in trials] == list(range(24))
    assert all(trial.state.is_finished() for trial in trials)
    follow(journal)


def follow(journal: Sequence[Row[Any]]) -> None:
    """Holds what happened against the model, event by event."""
    model = Asha(2)
    promoted = {(event.trial, event.tx) for event in journal if event.what == "promoted"}
    reached = {(event.trial, event.tx) for event in journal if event.what == "reached"}
    for event in journal:
        now = (event.trial, event.tx)
        if event.what == "begun":
            assert model.promote() is None, "a paused trial goes on before a new one begins"
        elif event.what == "reached":
            goes_on = model.reach(event.trial, event.rung, event.value)
            assert goes_on == (now in promoted)
        elif now not in reached:
            expected = model.promote()
            assert event.trial == (model.promote_leader() if expected is None else expected)
    assert model.promote() is None, "nobody who could have gone on is left behind"
