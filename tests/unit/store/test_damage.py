"""Damage, full disks and other writers: one clear line, and nothing that was kept is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from hardener.errors import StoreError
from hardener.store import Store

from .nights import night, result

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from hardener.store import Store
from tests.unit.store.nights import night, result

name, location = sys.argv[1:]
store = Store(location)
for number in range(20):
    seen = result("web", alpha_one=number % 3, alpha_two=ord(name))
    store.save(night(1, seen, result(name, alpha_one=number), id=f"{name}-{number:02}"))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


def changed(file: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(statement, values)


def writers(location: str, names: str = "ab") -> None:
    """Processes that all keep runs of the same target at once, in a store that none of them has made."""
    begun = [subprocess.Popen([sys.executable, "-c", WRITER, name, location], cwd=ROOT) for name in names]
    assert [process.wait(timeout=120) for process in begun] == [0] * len(names)


def assert_nothing_was_lost(store: Store, names: str = "ab") -> None:
    assert {item.id for item in store.runs()} == {f"{name}-{number:02}" for name in names for number in range(20)}
    for name in names:
        for number in range(20):
            seen = [item.findings[0].observed for item in store.load(f"{name}-{number:02}").results]
            assert seen == [number % 3, number]
    assert store.problems() == []


def test_two_writers_at_once_lose_nothing(file: Path) -> None:
    writers(str(file))
    assert_nothing_was_lost(Store(file))


def test_a_full_disk_is_told_and_costs_only_the_run_that_did_not_fit(file: Path) -> None:
    store = Store(file)
    store.save(night(1, result("web", alpha_one=5)))

    def full(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(store._database._engine, "connect", full)
    large = night(2, *(result(f"t{number}", f"m{number}", alpha_one=number) for number in range(500)))
    with pytest.raises(StoreError, match=r"runs\.sqlite: database or disk is full"):
        store.save(large)
    again = Store(file)
    assert [item.id for item in again.runs()] == ["night-001"]
    assert again.problems() == []
    again.save(large)
    assert again.load("latest") == large


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)


@pytest.mark.parametrize("damage", [truncated, overwritten])
def test_a_damaged_file_is_one_line(damage: Callable[[Path], None], file: Path) -> None:
    Store(file).save(night(1, result("web", alpha_one=5)))
    damage(file)
    with pytest.raises(StoreError, match=r"runs\.sqlite: (database disk image is malformed|.*corrupt)"):
        Store(file).load("latest")


def test_damaged_content_is_found_by_its_hash(file: Path) -> None:
    store = Store(file)
    store.save(night(1, result("web", alpha_one=5)))
    with sqlite3.connect(file) as connection:
        (number,) = connection.execute("SELECT content FROM finding").fetchone()
        other = connection.execute("SELECT body FROM content WHERE number <> ?", (number,)).fetchone()[0]
    changed(file, "UPDATE content SET body = ? WHERE number = ?", other, number)
    content, chain = store.problems()
    assert content == f"content {number} is not what its hash says"
    assert chain.startswith("chain: run night-001 cannot be read: ")
    changed(file, "UPDATE content SET body = substr(body, 1, length(body) - 1) WHERE number = ?", number)
    assert store.problems()[0] == f"content {number} cannot be unpacked: it is cut short"
    changed(file, "UPDATE content SET body = x'ffff' WHERE number = ?", number)
    assert store.problems()[0].startswith(f"content {number} cannot be unpacked: Error -3")
    with pytest.raises(StoreError, match=f"content {number} cannot be unpacked.*see 'hardener store check'"):
        store.load("latest")


def test_what_is_missing_and_what_nobody_needs_is_found(file: Path) -> None:
    store = Store(file)
    store.save(night(1, result("web", alpha_one=5)))
    with sqlite3.connect(file) as connection:
        numbers = connection.execute("SELECT name, content FROM finding").fetchone()
    changed(file, "DELETE FROM finding")
    unseen = [
        "result 1: nothing says what was seen of 'alpha-one'",
        "chain: run night-001 cannot be read: nothing says what was seen of 'alpha-one'",
    ]
    assert store.problems() == ["2 contents are referred to from nowhere", *unseen]
    with pytest.raises(StoreError, match="nothing says what was seen of 'alpha-one'"):
        store.load("latest")
    changed(file, "DELETE FROM content WHERE number IN (?, ?)", *numbers)
    assert store.problems() == unseen


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE finding SET until = 1 WHERE since = 2", "finding of subject 1 since result 2 overlaps"),
        ("UPDATE finding SET until = NULL WHERE since = 1", "finding of subject 1 since result 1 overlaps"),
        ("UPDATE result SET facts = 99 WHERE number = 1", "content 99 is missing: result.facts refers to it"),
        ("DELETE FROM run WHERE number = 1", "result 1: refers to no run"),
    ],
)
def test_what_contradicts_itself_is_found(statement: str, problem: str, file: Path) -> None:
    store = Store(file)
    for number, seen in ((1, 5), (2, 6)):
        store.save(night(number, result("web", alpha_one=seen)))
    changed(file, statement)
    assert problem in store.problems()


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("mysql://somebody:secret@host/runs", "mysql is neither SQLite nor PostgreSQL"),
        ("nonsense://", "nonsense is neither SQLite nor PostgreSQL"),
        ("://", "not a database URL"),
        ("postgresql://somebody:secret@127.0.0.1:1/runs", "connection"),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(location: str, problem: str) -> None:
    with pytest.raises(StoreError, match=problem) as caught:
        Store(location)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
