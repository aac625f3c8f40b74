"""The store on a real server: the same code, the same answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from sqlalchemy import create_engine, make_url, text

from hardener.drift import find_drift
from hardener.errors import SchemaTooNew, StoreError
from hardener.model import DriftKind, Run, breaks, digest_of
from hardener.store import Store, schema, version_1
from tests.integration.postgresql import postgresql
from tests.unit.store.nights import FIRST_NIGHT, dead, night, result
from tests.unit.store.test_damage import assert_nothing_was_lost, writers
from tests.unit.store.test_round_trip import runs
from tests.unit.store.test_telling import ALERTS, ANN
from tests.unit.store.test_upgrade import HERE, RUNS


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture
def location(server: str) -> str:
    """The URL of an empty database."""
    emptied(server)
    return server


def emptied(server: str) -> None:
    engine = create_engine(make_url(server))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def copy_of_version_1(location: str) -> None:
    """The store that version 1 left behind, on the server."""
    engine = create_engine(make_url(location))
    with sqlite3.connect(":memory:") as old, engine.begin() as connection:
        old.executescript((HERE / "version_1.sql").read_text("utf-8"))
        source = create_engine("sqlite://", creator=lambda: old)
        tables = version_1.tables()
        tables.create_all(connection)
        with source.connect() as reader:
            for table in tables.sorted_tables:
                rows = [dict(row) for row in reader.execute(table.select()).mappings()]
                connection.execute(table.insert(), rows)
    engine.dispose()


def test_a_store_of_version_1_loses_nothing(location: str) -> None:
    copy_of_version_1(location)
    store = Store(location)
    assert [store.load(run.id) for run in RUNS] == RUNS
    assert store.problems() == []


def test_migrations_end_at_the_tables_that_are_used(location: str) -> None:
    with Store(location)._database.reading() as connection:
        known = schema.metadata.tables.keys()
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        assert [item for item in differences if item[0] != "remove_table" or item[1].name in known] == []


def test_the_room_of_ended_intervals_is_soon_used_again(location: str) -> None:
    with Store(location)._database.reading() as connection:
        query = "SELECT relname FROM pg_class WHERE reloptions::text LIKE '%scale_factor=0.02%'"
        found = connection.execute(text(query))
        assert {name for (name,) in found} == {"finding", "evidence"}


@given(runs())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_run_comes_back_as_it_was(server: str, sequence: list[Run]) -> None:
    emptied(server)
    store = Store(server)
    for run in sequence:
        store.save(run)
    assert [store.load(run.id) for run in sequence] == sequence
    assert store.problems() == []
    pruned = store.prune(keep_runs=1).runs
    left = [run for run in sequence if run.id not in pruned]
    assert [store.load(run.id) for run in left] == left
    assert store.problems() == []


def test_two_writers_at_once_lose_nothing(location: str) -> None:
    writers(location)
    assert_nothing_was_lost(Store(location))


def test_drift_history_and_baselines_are_the_same(location: str) -> None:
    store = Store(location)
    for number, seen in ((1, 5), (2, 5), (3, 99)):
        store.save(night(number, result("web", alpha_one=seen)))
    (event,) = find_drift(store.compare()).events
    assert (event.kind, event.baseline, event.since) == (DriftKind.REGRESSED, "night-002", night(3).started)
    store.declare_baseline("night-001", "*", FIRST_NIGHT)
    (event,) = find_drift(store.compare()).events
    assert event.baseline == "night-001"
    assert [item.finding.observed for item in store.history("web", "alpha-one")] == [99, 5]
    assert store.clear_baselines("*") == ["web"]


def test_recipients_and_silence_are_the_same(location: str) -> None:
    store = Store(location)
    store.save(night(1, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    for number in (2, 3, 4):
        store.save(night(number, result("web", alpha_one=99), dead("db", "alpha-one")))
    seen = store.seen("night-004", ["alpha-one"], 3)
    assert (seen.findings["web"]["alpha-one"].observed, [*seen.silent]) == (99, ["db"])
    store.remember(ANN, "night-001", ALERTS)
    assert store.told(ANN) == ALERTS
    assert store.audits_for(ANN) == ["night-002", "night-003", "night-004"]
    assert store.problems() == []


def test_the_chain_is_kept_and_whatever_was_altered_shows(location: str) -> None:
    store = Store(location)
    for number in (1, 2, 3):
        store.save(night(number, result("web", alpha_one=number)))
    _, chain = store.load_chained("latest")
    assert [link.digest for link in chain] == [digest_of(store.load(link.run)) for link in chain]
    assert list(breaks(chain)) == []
    with store._database.writing() as connection:
        connection.execute(schema.link.delete().where(schema.link.c.run == "night-002"))
        first = connection.execute(text("SELECT min(content) FROM finding")).scalar_one()
        connection.execute(schema.finding.update().where(schema.finding.c.since == 3).values(content=first))
    problems = store.problems()
    assert "chain: run night-002 was kept without a link" in problems
    assert "chain: run night-003 was altered after it was kept" in problems


def test_a_later_version_is_left_alone(location: str) -> None:
    with Store(location)._database.writing() as connection:
        connection.execute(schema.version.update().values(version=99))
    with pytest.raises(SchemaTooNew, match="schema 99"):
        Store(location)


def test_a_run_that_cannot_be_written_leaves_nothing(location: str) -> None:
    store = Store(location)
    twice = night(1, result("db", alpha_one=1), result("web", alpha_one=1))
    finding = twice.results[1].findings[0]
    other = finding.model_copy(update={"observed": 2})
    broken = twice.results[1].model_copy(update={"findings": (finding, other)})
    with pytest.raises(StoreError, match="two findings on web"):
        store.save(twice.model_copy(update={"results": (twice.results[0], broken)}))
    assert store.runs() == []
    assert store.problems() == []
