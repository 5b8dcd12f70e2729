"""Studies are created once, continued, and refused under another configuration."""

from __future__ import annotations

import optuna
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from study.database import connect
from study.errors import DatabaseUnreachable, StudyExists, StudyNotFound, UsageError
from study.lease import Lease
from study.ledger import Ledger
from study.registry import Registry
from study.statements import STATEMENTS
from tests.study.conftest import STORE, make_config


def test_a_created_study_is_found_as_it_was_given(registry: Registry) -> None:
    config = make_config()
    created = registry.create(config, store=STORE, workers=2)
    found = registry.find("birds")
    assert found == created
    assert (found.config, found.store, found.workers, found.stopped) == (config, STORE, 2, False)


def test_the_same_study_again_is_continued_with_a_new_budget(registry: Registry) -> None:
    registry.create(make_config(), store=STORE, workers=1)
    registry.stop("birds")
    again = make_config(search={"budget": {"trials": 9}})
    continued = registry.create(again, store=STORE, workers=3)
    assert (continued.stopped, continued.workers) == (False, 3)
    assert continued.config.search.budget.trials == 9
    assert Ledger(registry.engine, continued.study_id, "a").budget().trials == 9


def test_another_configuration_under_the_same_name_is_refused(registry: Registry) -> None:
    registry.create(make_config(), store=STORE, workers=1)
    other = make_config(training={"epochs": 99})
    with pytest.raises(StudyExists, match=r"training\.epochs.*99.*make resume STUDY=birds.*name="):
        registry.create(other, store=STORE, workers=1)
    assert registry.find("birds").config == make_config()


def test_other_pictures_under_the_same_name_are_refused(registry: Registry) -> None:
    registry.create(make_config(), store=STORE, workers=1)
    with pytest.raises(StudyExists, match="pictures: 000000000000 there, 111111111111 here"):
        registry.create(make_config(), store="1" * 64, workers=1)


def test_a_foreign_study_of_that_name_is_left_alone(registry: Registry) -> None:
    foreign = optuna.create_study(study_name="birds", storage=registry.storage)
    foreign.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(StudyExists, match="not made here"):
        registry.create(make_config(), store=STORE, workers=1)


def test_a_creation_that_was_killed_half_way_is_completed(registry: Registry) -> None:
    """Optuna's row is there, the ledger's is not."""
    point = {"training.learning_rate": 0.01}
    config = make_config(search={"budget": {"trials": 5}, "warm_start": [point]})
    half = optuna.create_study(study_name="birds", storage=registry.storage, direction="maximize")
    half.enqueue_trial(point)
    study = registry.create(config, store=STORE, workers=1)
    assert len(registry.optuna_study(study).trials) == 1


def test_an_unknown_study_names_those_there_are(registry: Registry) -> None:
    registry.create(make_config("cats"), store=STORE, workers=1)
    with pytest.raises(StudyNotFound, match=r"no study 'dogs'.*cats"):
        registry.find("dogs")


def test_wall_clock_stands_still_while_a_study_is_stopped(registry: Registry) -> None:
    study = registry.create(make_config(), store=STORE, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "a")
    assert isinstance(ledger.claim(), Lease)
    with registry.engine.begin() as tx:  # worked for 100 s, then nothing for 900 s
        tx.execute(text("UPDATE ledger.study SET active_since = active_since - interval '1000 s'"))
        tx.execute(text("UPDATE ledger.lease SET heartbeat_at = heartbeat_at - interval '900 s'"))
    registry.stop("birds")
    registry.resume(study.config, workers=1)
    assert ledger.budget().wall_spent == pytest.approx(100, abs=5)


def test_two_processes_may_open_an_empty_database_at_once(postgres_url: URL) -> None:
    import threading

    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Registry(postgres_url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_worker_can_start_while_another_writes(registry: Registry) -> None:
    study = registry.create(make_config(), store=STORE, workers=1)
    assert isinstance(Ledger(registry.engine, study.study_id, "a").claim(), Lease)
    with registry.engine.begin() as tx:
        tx.execute(text("UPDATE ledger.lease SET token = token"))
        tx.execute(text("UPDATE ledger.study SET workers = workers"))
        other = Registry(registry.url)
        assert other.find("birds") == study
        other.close()


def test_an_unreachable_database_is_named_without_its_password() -> None:
    url = URL.create(
        "postgresql+psycopg2", "me", "s3cret-word", "127.0.0.1", port=1, database="trials"
    )
    with pytest.raises(DatabaseUnreachable) as caught:
        Registry(url)
    assert "127.0.0.1:1/trials" in str(caught.value)
    assert "s3cret-word" not in str(caught.value)


def test_a_database_in_which_tables_cannot_be_made_is_named(postgres_url: URL) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as tx:
        tx.execute(text("DROP ROLE IF EXISTS guest"))
        tx.execute(text("CREATE ROLE guest LOGIN PASSWORD 'hush'"))
    engine.dispose()
    with pytest.raises(UsageError, match=r"tables cannot be made or read: permission") as caught:
        Registry(postgres_url.set(username="guest", password="hush"))
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_the_tables_are_there_opening_waits_for_nobody(postgres_url: URL) -> None:
    Registry(postgres_url).close()
    engine = connect(postgres_url)
    with engine.begin() as tx:
        tx.execute(STATEMENTS["lock_schema"])
        Registry(postgres_url).close()  # would wait for the statement's timeout
    engine.dispose()
