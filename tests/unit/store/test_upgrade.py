"""A store of any version becomes one of the newest with nothing lost; ``version_1.sql`` was written by version 1."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hardener.errors import SchemaTooNew, StoreError
from hardener.model import Run
from hardener.store import Store, schema, upgrading
from hardener.store.contents import unpacked

from .nights import night, result

HERE = Path(__file__).parent
RUNS = [Run.model_validate(body) for body in json.loads((HERE / "version_1.json").read_text("utf-8"))]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store that version 1 left behind."""
    file = tmp_path / "runs.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript((HERE / "version_1.sql").read_text("utf-8"))
    return file


def tables(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_store_of_version_1_loses_nothing(old: Path) -> None:
    Store(old)
    store = Store(old)
    assert [item.id for item in store.runs()] == [run.id for run in reversed(RUNS)]
    assert [store.load(run.id) for run in RUNS] == RUNS
    assert store.problems() == []
    assert not {name for name in tables(old) if name.startswith("version_1_")}


def test_its_state_becomes_intervals(old: Path) -> None:
    seen = Store(old).history("web", "alpha-one")
    assert [(item.finding.outcome.value, item.began.day) for item in seen] == [("pass", 4), ("fixed", 3), ("fail", 1)]


@pytest.mark.parametrize("is_old", [True, False])
def test_migrations_end_at_the_tables_that_are_used(is_old: bool, old: Path, tmp_path: Path) -> None:
    store = Store(old if is_old else tmp_path / "new.sqlite")
    with store._database.reading() as connection:
        context = MigrationContext.configure(connection)
        known = schema.metadata.tables.keys()
        differences = compare_metadata(context, schema.metadata)
        assert [item for item in differences if item[0] != "remove_table" or item[1].name in known] == []


def test_an_upgrade_that_fails_leaves_the_old_store(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    before = tables(old)
    with monkeypatch.context() as patched:
        patched.setattr(upgrading, "write_run", broken)
        with pytest.raises(StoreError, match="No space left on device"):
            Store(old)
    assert tables(old) == before
    assert Store(old).load("latest") == RUNS[-1]


def test_a_program_of_version_1_would_leave_it_alone(old: Path) -> None:
    Store(old)
    with sqlite3.connect(old) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(schema.SCHEMA_VERSION,)]


def test_a_later_version_is_left_alone(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    before = tables(old)
    with pytest.raises(SchemaTooNew, match="schema 99, known is 6"):
        Store(old)
    assert tables(old) == before


VERSION_2 = """
DROP TABLE alert; DROP TABLE recipient; DROP TABLE link; DROP TABLE acceptance;
UPDATE schema_version SET version = 2; UPDATE alembic_version SET version_num = 2;
"""


def test_a_store_of_version_2_can_tell_recipients(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    Store(file).save(RUNS[0])
    with sqlite3.connect(file) as connection:
        connection.executescript(VERSION_2)
    assert "alert" not in tables(file)
    store = Store(file)
    store.remember(b"r" * 32, RUNS[0].id, [])
    assert store.load("latest") == RUNS[0]
    assert store.problems() == []


VERSION_4 = "DROP TABLE acceptance; UPDATE schema_version SET version = 4; UPDATE alembic_version SET version_num = 4;"


def test_a_store_of_version_4_is_read_and_continued(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    first, second = night(1, result("web", alpha_one=5)), night(2, result("web", alpha_one=99))
    Store(file).save(first)
    with sqlite3.connect(file) as connection:
        for table in ("content", "run", "result"):
            for number, body in connection.execute(f"SELECT number, body FROM {table}").fetchall():
                bare = zlib.compress(unpacked(body, table))
                connection.execute(f"UPDATE {table} SET body = ? WHERE number = ?", (bare, number))
        connection.executescript(VERSION_4)
    store = Store(file)
    store.save(second)
    assert [store.load(run.id) for run in (first, second)] == [first, second]
    assert store.problems() == []
