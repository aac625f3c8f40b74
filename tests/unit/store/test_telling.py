"""What the store knows of recipients: what they were told, which audits they missed, and who is silent."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hardener.model import Alert, Finding, Outcome, Run, RunKind, Scope, TargetResult
from hardener.store import Store
from tests.unit.store.nights import FIRST_NIGHT, dead, finding, night, result

ANN, BOB = b"a" * 32, b"b" * 32
ALERTS = [
    Alert(target="db", run="night-001", since=FIRST_NIGHT, reason="no route"),
    Alert(
        target="web",
        control="alpha-one",
        machine_id="m",
        run="night-001",
        before=finding("alpha-one", 5),
        after=finding("alpha-one", 99),
        since=FIRST_NIGHT,
    ),
]


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "runs.sqlite")


def kept(location: str, *runs: Run) -> Store:
    store = Store(location)
    for run in runs:
        store.save(run)
    return store


def hand_made(number: int, limit: str, *results: TargetResult, **changes: Any) -> Run:
    """An audit somebody made of a part of the same inventory."""
    return night(number, *results, scope=Scope(inventories=("hosts.yml",), limit=limit), **changes)


def narrowed(number: int, *results: TargetResult) -> Run:
    """An audit of some controls only."""
    return night(number, *results, scope=Scope(inventories=("hosts.yml",), controls="alpha-*"))


def silent(store: Store, nights: int = 3) -> dict[str, int | None]:
    """Silent targets after the newest run, and the day they were last seen completely."""
    found = store.seen(store.runs()[0].id, [], nights).silent
    return {target: since.day if since else None for target, since in found.items()}


# --- what was told ----------------------------------------------------------------------------------------------------


def test_what_was_told_is_kept_for_each_recipient(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5), result("db", alpha_one=5)))
    store.remember(ANN, "night-001", ALERTS)
    store.remember(BOB, "night-001", ALERTS[:1])
    assert (store.told(ANN), store.told(BOB), store.told(b"c" * 32)) == (ALERTS, ALERTS[:1], [])
    store.remember(ANN, "night-001", [])
    assert (store.told(ANN), store.told(BOB)) == ([], ALERTS[:1])
    assert store.problems() == []


def test_whoever_is_new_is_told_of_the_newest_audit_and_then_of_all_that_follow(location: str) -> None:
    runs = [night(number, result("web", alpha_one=5)) for number in (1, 2)]
    store = kept(location, *runs)
    assert store.audits_for(ANN) == ["night-002"]
    store.remember(ANN, "night-002", [])
    assert store.audits_for(ANN) == []
    store.save(night(3, result("web", alpha_one=5), kind=RunKind.APPLY))
    for number in (4, 5):
        store.save(night(number, result("web", alpha_one=5)))
    assert store.audits_for(ANN) == ["night-004", "night-005"]
    assert store.audits_for(BOB) == ["night-005"]


def test_each_project_tells_of_its_own_audits(location: str) -> None:
    scopes = [Scope(project=f"/srv/{name}") for name in ("one", "two")]
    kept(location, *(night(number, result("web", alpha_one=5), scope=scopes[number % 2]) for number in range(1, 6)))
    one, two = (Store(location, scope.project) for scope in scopes)
    assert (one.audits_for(ANN), two.audits_for(ANN)) == (["night-004"], ["night-005"])
    two.remember(ANN, "night-005", ALERTS)
    one.remember(ANN, "night-002", ALERTS[:1])
    assert (one.audits_for(ANN), two.audits_for(ANN)) == (["night-004"], [])  # though the other was told of a later one
    assert (one.told(ANN), two.told(ANN)) == (ALERTS[:1], ALERTS)
    assert one.problems() == []


def test_whoever_was_told_before_projects_were_known_is_not_told_again(location: str) -> None:
    scope = Scope(project="/srv/one")
    before = kept(location, *(night(number, result("web", alpha_one=5), scope=scope) for number in (1, 2, 3)))
    before.remember(ANN, "night-001", ALERTS)
    one = Store(location, scope.project)
    assert (one.audits_for(ANN), one.told(ANN)) == (["night-002", "night-003"], ALERTS)
    one.remember(ANN, "night-003", [])
    assert (one.audits_for(ANN), one.told(ANN)) == ([], [])


def test_whoever_was_away_for_long_is_told_of_the_newest(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5)))
    store.remember(ANN, "night-001", [])
    for number in range(2, 40):
        store.save(night(number, result("web", alpha_one=5)))
    missed = store.audits_for(ANN)
    assert (len(missed), missed[-1]) == (31, "night-039")


def test_pruning_forgets_what_was_told_of_targets_that_are_gone(location: str) -> None:
    store = kept(location, night(1, dead("db", "alpha-one")), night(2, result("web", alpha_one=5)))
    store.remember(ANN, "night-002", ALERTS)
    store.prune(keep_runs=1)
    assert [alert.target for alert in store.told(ANN)] == ["web"]
    assert store.problems() == []


def test_a_damaged_alert_is_found(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5)))
    store.remember(ANN, "night-001", ALERTS)
    with sqlite3.connect(location) as connection:
        connection.execute("UPDATE alert SET body = x'00' WHERE target = 'web'")
    (problem,) = store.problems()
    assert problem.startswith("alert about web cannot be unpacked")


# --- how controls are -------------------------------------------------------------------------------------------------


def test_an_audit_says_how_controls_are_and_keeps_what_it_did_not_look_at(location: str) -> None:
    store = kept(
        location,
        night(1, result("web", alpha_one=5, alpha_two=1), result("db", "d", alpha_one=99)),
        narrowed(2, result("web", alpha_one=99)),
        night(3, result("web", alpha_one=5), dead("db", "alpha-one")),
    )

    def seen(run: str) -> dict[str, dict[str, Finding]]:
        found = store.seen(run, ["alpha-one", "alpha-two", "never-heard-of"], 3).findings
        return {target: dict(findings) for target, findings in found.items()}

    assert seen("night-001")["db"] == {"alpha-one": finding("alpha-one", 99)}
    assert seen("night-002") == {
        "web": {"alpha-one": finding("alpha-one", 99), "alpha-two": finding("alpha-two", 1)},
    }
    assert seen("night-003")["db"]["alpha-one"].outcome is Outcome.ERROR
    assert store.seen("night-003", [], 3).findings == {}


# --- who is silent ----------------------------------------------------------------------------------------------------


def test_a_target_is_silent_after_so_many_audits_without_an_answer(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    for number, expected in ((2, {}), (3, {}), (4, {"db": 1}), (5, {"db": 1})):
        store.save(night(number, result("web", alpha_one=5), dead("db", "alpha-one")))
        assert silent(store) == expected
    store.save(night(6, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    assert silent(store) == {}


def test_a_target_that_is_not_even_asked_any_more_is_silent_too(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    for number in (2, 3, 4):
        store.save(night(number, result("web", alpha_one=5)))
    assert silent(store) == {"db": 1}
    assert silent(store, nights=4) == {}


def test_a_target_that_never_answered_is_silent_too(location: str) -> None:
    store = kept(location, *(night(number, dead("db", "alpha-one")) for number in (1, 2)))
    assert silent(store) == {}
    store.save(night(3, dead("db", "alpha-one")))
    assert silent(store) == {"db": None}


def test_audits_of_something_else_do_not_count(location: str) -> None:
    store = kept(location, night(1, result("web", alpha_one=5), result("db", "d", alpha_one=5)))
    for number in range(2, 6):
        store.save(hand_made(number, "web", result("web", alpha_one=5)))
        store.save(narrowed(10 + number, result("web", alpha_one=5)))
        store.save(night(20 + number, result("other", "o", alpha_one=5), scope=Scope(inventories=("b.yml",))))
    assert silent(store) == {}
    store.save(night(30, result("web", alpha_one=5), dead("db", "alpha-one")))
    assert silent(store) == {}


def test_whoever_answered_to_something_else_is_not_silent(location: str) -> None:
    store = kept(location, night(1, result("db", "d", alpha_one=5)))
    for number in (2, 3):
        store.save(night(number, dead("db", "alpha-one")))
    store.save(hand_made(4, "db", result("db", "d", alpha_one=5)))
    store.save(night(5, dead("db", "alpha-one")))
    assert silent(store) == {}


def test_a_site_that_never_walks_the_files_is_not_silent(location: str) -> None:
    """Such an audit is never complete, and yet everybody answered."""
    store = kept(location, night(1, result("web", alpha_one=5)))
    for number in range(2, 7):
        store.save(night(number, result("web", alpha_one=5, alpha_walk=Outcome.NOTCHECKED)))
    assert silent(store) == {}
