"""State is kept as intervals: what stays the same costs nothing, and who did not look says nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hardener.errors import StoreError
from hardener.model import Outcome, Run, Scope
from hardener.store import Store

from .nights import dead, night, result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


def kept(file: Path, *nights: Run) -> Store:
    store = Store(file)
    for run in nights:
        store.save(run)
    return store


def rows(file: Path) -> dict[str, int]:
    with sqlite3.connect(file) as connection:
        tables = ("run", "result", "finding", "evidence", "content")
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def history(store: Store, control: str, target: str = "web") -> list[tuple[int, int | None, str, object]]:
    """The periods of a control, oldest first: first night, night of the end, outcome, observed."""
    return [
        (item.began.day, item.ended.day if item.ended else None, item.finding.outcome.value, item.finding.observed)
        for item in reversed(store.history(target, control))
    ]


def test_a_quiet_night_adds_one_row_a_target(file: Path) -> None:
    store = kept(file, night(1, result("web", alpha_one=1, alpha_two=2), result("db", alpha_one=1)))
    before = rows(file)
    store.save(night(2, result("web", alpha_one=1, alpha_two=2), result("db", alpha_one=1)))
    assert {name: count - before[name] for name, count in rows(file).items()} == {
        "run": 1,
        "result": 2,
        "finding": 0,
        "evidence": 0,
        "content": 0,
    }


def test_an_interval_lasts_until_something_else_is_seen(file: Path) -> None:
    store = kept(file, *(night(day, result("web", alpha_one=seen)) for day, seen in ((1, 5), (2, 5), (3, 99), (4, 99))))
    assert history(store, "alpha-one") == [(1, 3, "pass", 5), (3, None, "fail", 99)]


def test_who_did_not_look_ends_nothing(file: Path) -> None:
    narrow = night(
        2,
        result("web", alpha_one=5, beta_one=Outcome.NOTSELECTED, beta_two=Outcome.NOTCHECKED),
        scope=Scope(controls="alpha-*"),
    )
    whole = result("web", alpha_one=5, beta_one=99, beta_two=1)
    without = night(4, result("web", beta_two=1))
    store = kept(file, night(1, whole), narrow, night(3, whole), without, night(5, whole))
    assert history(store, "beta-one") == [(1, None, "fail", 99)]
    assert history(store, "alpha-one") == [(1, None, "pass", 5)]
    assert store.load(narrow.id) == narrow
    assert store.load(without.id) == without


def test_a_night_on_which_nobody_could_ask_belongs_to_no_machine(file: Path) -> None:
    seen = result("web", alpha_one=5)
    store = kept(file, night(1, seen), night(2, dead("web", "alpha-one")), night(3, seen))
    periods = store.history("web", "alpha-one")
    assert [(item.machine_id, item.ended) for item in periods] == [("", None), ("m", None)]


def test_another_machine_of_the_same_name_has_a_history_of_its_own(file: Path) -> None:
    store = kept(file, night(1, result("web", "old", alpha_one=5)), night(2, result("web", "new", alpha_one=5)))
    periods = store.history("web", "alpha-one")
    assert [(item.machine_id, item.began.day, item.ended) for item in periods] == [("new", 2, None), ("old", 1, None)]


def test_a_run_beside_others_ends_only_what_it_saw(file: Path) -> None:
    store = kept(
        file,
        night(1, result("web", alpha_one=1), result("db", alpha_one=1)),
        night(2, result("db", alpha_one=99)),
        night(3, result("web", alpha_one=1)),
    )
    assert history(store, "alpha-one") == [(1, None, "pass", 1)]
    assert history(store, "alpha-one", "db") == [(1, 2, "pass", 1), (2, None, "fail", 99)]


def test_what_nobody_ever_looked_at_is_one_line(file: Path) -> None:
    store = kept(file, night(1, result("web", alpha_one=1)))
    for target, control in (("web", "alpha-none"), ("none", "alpha-one")):
        with pytest.raises(StoreError, match=f"nobody ever looked at '{control}' on '{target}'"):
            store.history(target, control)


def test_a_clock_that_was_set_back_changes_no_order(file: Path) -> None:
    store = kept(file, night(20, result("web", alpha_one=5)), night(3, result("web", alpha_one=99)))
    assert store.load("latest").id == "night-003"
    assert history(store, "alpha-one") == [(20, 3, "pass", 5), (3, None, "fail", 99)]
    assert store.load("night-020") == night(20, result("web", alpha_one=5))


def test_a_run_is_kept_once(file: Path) -> None:
    store = kept(file, night(1, result("web", alpha_one=5)))
    with pytest.raises(StoreError, match="run night-001 is kept already"):
        store.save(night(1, result("web", alpha_one=99)))
    assert history(store, "alpha-one") == [(1, None, "pass", 5)]
