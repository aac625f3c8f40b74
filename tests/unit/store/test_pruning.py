"""Old runs go, and what only they needed; what targets are compared with stays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hardener.model import Scope
from hardener.store import Store

from .nights import FIRST_NIGHT, dead, night, result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Five nights of two targets; nobody could reach ``db`` since the second."""
    opened = Store(tmp_path / "runs.sqlite")
    for number in range(1, 6):
        db = result("db", "d", alpha_one=number) if number <= 2 else dead("db", "alpha-one")
        opened.save(night(number, result("web", alpha_one=5 if number < 4 else 99), db))
    return opened


def left(store: Store) -> list[int]:
    return [int(item.id[-3:]) for item in reversed(store.runs())]


def test_the_newest_complete_view_of_each_target_stays(store: Store) -> None:
    assert store.prune(keep_runs=1).runs == ("night-004", "night-003", "night-001")
    assert left(store) == [2, 5]
    assert store.problems() == []


def test_a_narrowed_run_is_no_complete_view(store: Store) -> None:
    store.save(night(6, result("web", alpha_one=99), scope=Scope(controls="alpha-*")))
    store.prune(keep_runs=1)
    assert left(store) == [2, 5, 6]


def test_a_baseline_stays(store: Store) -> None:
    store.declare_baseline("night-001", "web", FIRST_NIGHT)
    store.prune(keep_runs=1)
    assert left(store) == [1, 2, 5]


def test_days_count_from_the_start_of_a_run_and_either_reason_keeps_it(store: Store) -> None:
    fourth = night(4).started
    store.prune(oldest=fourth)
    assert left(store) == [2, 4, 5]
    store.prune(oldest=fourth, keep_runs=1)
    assert left(store) == [2, 4, 5]


def test_what_only_they_needed_goes_too(store: Store, tmp_path: Path) -> None:
    pruned = store.prune(keep_runs=1)
    assert (pruned.intervals, pruned.contents) == (2, 2)  # what was seen of db, and its answer, in the first night
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM finding").fetchone() == (4,)


def test_since_when_something_is_so_is_still_known(store: Store) -> None:
    store.save(night(6, result("web", alpha_one=99)))
    store.prune(keep_runs=1)
    assert left(store) == [2, 6]
    assert [(item.began.day, item.finding.observed) for item in store.history("web", "alpha-one")] == [(4, 99), (1, 5)]


def test_the_file_becomes_smaller(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    store = Store(file)
    for number in range(1, 4):
        targets = [result(f"t{index}", f"m{index}", alpha_one=index * number) for index in range(300)]
        store.save(night(number, *targets))
    before = file.stat().st_size
    store.prune(keep_runs=1)
    assert file.stat().st_size < before
    assert store.prune(keep_runs=1).runs == ()
