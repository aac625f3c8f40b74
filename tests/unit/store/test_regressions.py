"""What stands, and since when, is derived from the intervals: until it is repaired, waived or accepted."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hardener.drift import find_drift
from hardener.errors import StoreError
from hardener.model import Finding, Outcome, RunKind, Scope, TargetResult
from hardener.store import Store
from hardener.store.reading import ResultReader

from .nights import FIRST_NIGHT, dead, finding, night, result

Told = tuple[str, str, str | None, int, bool]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs.sqlite")


def nights(store: Store, *shown: int | Outcome | TargetResult, first: int = 1, **changes: Any) -> None:
    """One night after the other: what ``alpha-one`` shows on ``web``, or all that is seen of a target."""
    for number, seen in enumerate(shown, start=first):
        whole = seen if isinstance(seen, TargetResult) else result("web", alpha_one=seen)
        store.save(night(number, whole, **changes))


def stands(store: Store, reference: str | None = None) -> list[Told]:
    """Kind, target, control, nights and newness of every regression."""
    found = find_drift(store.compare(reference))
    return [(e.kind.value, e.target, e.control, e.nights, e.is_new) for e in found.regressions]


def one(kind: str, age: int, *, is_new: bool = False) -> list[Told]:
    return [(kind, "web", "alpha-one", age, is_new)]


def waived(seen: int) -> TargetResult:
    item = finding("alpha-one", seen).model_copy(update={"waiver": "w"})
    return result("web", alpha_one=seen).model_copy(update={"findings": (item,)})


def accept(store: Store, controls: str = "*", moment: int = 0) -> None:
    store.accept("*", controls, "why", "ann", FIRST_NIGHT + timedelta(days=moment))


def test_what_nobody_repairs_stands_with_its_age(store: Store) -> None:
    nights(store, 5, 99)
    assert stands(store) == one("regressed", 1, is_new=True)
    for number in range(3, 10):
        nights(store, 99, first=number)
        assert stands(store) == one("regressed", number - 1)
    nights(store, 5, first=10)
    assert stands(store) == []


@pytest.mark.parametrize("between", [100, Outcome.ERROR])
def test_another_value_or_a_night_without_an_answer_in_between_ends_nothing(store: Store, between: Any) -> None:
    nights(store, 5, 99, between, 99)
    assert stands(store) == one("regressed", 3)
    assert find_drift(store.compare()).regressions[0].since == night(2).started


def test_what_failed_from_the_first_audit_on_is_no_regression(store: Store) -> None:
    nights(store, 99, 99, 98, 97)
    assert stands(store) == []
    nights(store, Outcome.ERROR, 97, first=5)
    assert stands(store) == []


def test_what_could_not_be_looked_at_before_never_held(store: Store) -> None:
    nights(store, Outcome.ERROR, 99)
    assert stands(store) == []


def test_what_failed_already_and_gets_worse_stands_until_it_is_as_before(store: Store) -> None:
    nights(store, 50, 99)
    assert stands(store) == one("worse", 1, is_new=True)
    nights(store, 99, 98, first=3)
    assert stands(store) == one("worse", 3)
    nights(store, 50, first=5)
    assert stands(store) == []
    nights(store, 20, 50, first=6)
    assert stands(store) == one("worse", 1, is_new=True)


def test_a_regression_that_gets_worse_is_told_so_that_night(store: Store) -> None:
    nights(store, 5, 50, 99)
    (event,) = find_drift(store.compare()).regressions
    assert stands(store) == one("worse", 2, is_new=True)
    assert event.before == finding("alpha-one", 50)
    nights(store, 99, first=4)
    assert stands(store) == one("regressed", 3)


def test_a_waiver_ends_it_and_its_end_begins_it_anew(store: Store) -> None:
    nights(store, 5, 99, waived(99))
    assert stands(store) == []
    nights(store, 99, 99, first=4)
    assert stands(store) == one("regressed", 2)


def test_a_new_control_that_fails_stands(store: Store) -> None:
    nights(store, result("web", alpha_two=5), result("web", alpha_one=99, alpha_two=5))
    assert stands(store) == one("new", 1, is_new=True)
    nights(store, *[result("web", alpha_one=99, alpha_two=5)] * 2, first=3)
    assert stands(store) == one("new", 3)


def test_what_an_apply_fixed_held(store: Store) -> None:
    fixed = finding("alpha-one", 5).model_copy(update={"outcome": Outcome.FIXED})
    after = result("web", alpha_one=5).model_copy(update={"findings": (fixed,)})
    nights(store, 99)
    store.save(night(2, after, kind=RunKind.APPLY, before=(result("web", alpha_one=99),)))
    nights(store, 99, first=3)
    assert stands(store) == one("regressed", 1, is_new=True)


def test_a_reinstalled_host_starts_anew_and_the_old_one_goes_on_where_it_was(store: Store) -> None:
    nights(store, 5, 99, result("web", "other", alpha_one=99), result("web", "other", alpha_one=99))
    assert stands(store) == []
    nights(store, 99, first=5)
    assert stands(store) == one("regressed", 4)


def test_each_profile_has_its_own_references(store: Store) -> None:
    """The same value holds under one profile and fails under the other, by turns."""
    for number in range(1, 7):
        nights(store, 5 if number % 2 else 99, first=number, profile="lax" if number % 2 else "strict")
        assert stands(store) == []
    nights(store, 5, 99, first=7, profile="strict")
    assert stands(store) == one("regressed", 1, is_new=True)


def test_it_stands_while_the_target_is_silent_or_left_out(store: Store) -> None:
    other = result("db", "d", alpha_one=5)
    store.save(night(1, result("web", alpha_one=5), other))
    store.save(night(2, result("web", alpha_one=99), other))
    store.save(night(3, dead("web", "alpha-one"), other))
    assert stands(store) == one("regressed", 2)
    store.save(night(4, other))
    assert stands(store) == one("regressed", 3)
    store.save(night(5, result("web", alpha_one=5), other))
    assert stands(store) == []


def test_an_audit_of_other_controls_says_nothing_of_it(store: Store) -> None:
    nights(store, 5, 99)
    narrow = result("web", alpha_one=Outcome.NOTSELECTED, beta_one=5)
    store.save(night(3, narrow, scope=Scope(inventories=("hosts.yml",), controls="beta-*")))
    assert stands(store) == []
    nights(store, 99, first=4)
    assert stands(store) == one("regressed", 3)


def test_an_earlier_run_is_told_as_it_was(store: Store) -> None:
    nights(store, 5, 99, 99, 5)
    assert stands(store, "night-002") == one("regressed", 1, is_new=True)
    assert stands(store, "night-003") == one("regressed", 2)


def test_what_is_worse_than_a_declared_baseline_stands(store: Store) -> None:
    nights(store, 50, 99, 99)
    store.declare_baseline("night-001", "*", FIRST_NIGHT)
    assert stands(store) == one("worse", 2)
    nights(store, 5, 50, first=4)
    assert stands(store) == []
    nights(store, dead("web", "alpha-one"), first=6)
    assert stands(store) == []
    nights(store, 60, dead("web", "alpha-one"), first=7)
    assert stands(store) == one("worse", 2)


def test_findings_that_never_changed_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"alpha_{number}": 99 for number in range(50)}
    nights(store, *[result("web", alpha_one=seen, **many) for seen in (5, 6, 99)])
    read: list[str] = []
    finding_of = ResultReader.finding

    def counted(reader: ResultReader, item: Any, seen: Any) -> Finding:
        read.append(str(item))
        return finding_of(reader, item, seen)

    monkeypatch.setattr(ResultReader, "finding", counted)
    assert stands(store) == one("regressed", 1, is_new=True)
    assert {*read} == {"alpha-one"}


# --- accepted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_declared", [False, True])
def test_what_is_accepted_does_not_stand_until_it_is_worse(store: Store, is_declared: bool) -> None:
    nights(store, 5, 50)
    if is_declared:
        store.declare_baseline("night-001", "*", FIRST_NIGHT)
    accept(store)
    assert stands(store) == []
    nights(store, 50, 40, 50, first=3)
    assert stands(store) == []
    nights(store, 99, 99, first=6)
    assert stands(store) == one("worse", 2)
    nights(store, 50, first=8)
    assert stands(store) == []
    assert store.problems() == []


def test_what_is_worse_can_be_accepted_again(store: Store) -> None:
    nights(store, 5, 50)
    accept(store)
    nights(store, 99, first=3)
    accept(store, moment=2)
    nights(store, 99, first=4)
    assert stands(store) == []
    assert [item.finding for item in store.accepted()] == [finding("alpha-one", 99)]


def test_an_acceptance_is_over_once_the_control_held(store: Store) -> None:
    nights(store, 5, 50)
    accept(store)
    nights(store, 5, 50, first=3)
    assert stands(store) == one("regressed", 1, is_new=True)


def test_an_acceptance_is_of_one_machine(store: Store) -> None:
    nights(store, 5, 50)
    accept(store)
    nights(store, result("web", "other", alpha_one=5), result("web", "other", alpha_one=50), first=3)
    assert stands(store) == one("regressed", 1, is_new=True)


def test_an_acceptance_that_is_taken_back_leaves_what_stood(store: Store) -> None:
    nights(store, 5, 50, 50)
    accept(store)
    nights(store, 50, first=4)
    assert [item.control for item in store.withdraw("*", "*", "bob", FIRST_NIGHT)] == ["alpha-one"]
    assert (stands(store), store.accepted()) == (one("regressed", 3), [])
    assert store.withdraw("*", "*", "bob", FIRST_NIGHT) == []
    assert store.problems() == []


def test_only_what_stands_can_be_accepted(store: Store) -> None:
    nights(store, 99, 99)
    with pytest.raises(StoreError, match="no regression stands in run night-002 of a control that"):
        accept(store)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE acceptance SET target = 'db' WHERE number = 1", "acceptance 1: what it is about was altered"),
        ("UPDATE acceptance SET result = 1 WHERE number = 1", "acceptance 1 does not follow the one before"),
        ("UPDATE acceptance SET body = x'00' WHERE number = 1", "acceptance 1 cannot be unpacked"),
        ("UPDATE acceptance SET body = (SELECT body FROM run LIMIT 1)", "acceptance 1 does not follow the one before"),
        ("DELETE FROM acceptance WHERE number = 1", "acceptance 2 follows none: one before it was removed"),
    ],
)
def test_an_acceptance_that_was_altered_or_removed_is_found(
    statement: str, problem: str, store: Store, tmp_path: Path
) -> None:
    nights(store, 5, 50)
    accept(store)
    store.withdraw("*", "*", "bob", FIRST_NIGHT)
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        connection.execute(statement)
    assert store.problems()[0].startswith(problem)


# --- pruned -----------------------------------------------------------------------------------------------------------


def event_of(store: Store) -> tuple[Any, Finding | None, Any]:
    (event,) = find_drift(store.compare()).regressions
    return event.kind, event.before, event.since


@pytest.mark.parametrize(
    "shown",
    [
        [5, 99, 99, 99, 99],
        [5, 50, 99, 98, 98, 98],
        [50, 99, 99, 99],
        [5, 99, Outcome.ERROR, 99, 99],
        [waived(99), 99, 99, 99],
        [result("web", alpha_two=5), *[result("web", alpha_one=99, alpha_two=6)] * 4],
        [99, 5, 99, 50, 50],
    ],
)
def test_pruning_forgets_no_regression_and_not_since_when(store: Store, shown: list[Any]) -> None:
    nights(store, *shown)
    before = event_of(store)
    for _ in range(2):
        store.prune(keep_runs=1)
        assert event_of(store) == before
        assert store.problems() == []
    last = shown[-1]
    nights(store, last, first=20)
    store.prune(keep_runs=1)
    assert event_of(store) == before


def test_pruning_forgets_nothing_of_what_is_accepted(store: Store) -> None:
    nights(store, 5, 99, 99)
    before = event_of(store)
    accept(store)
    nights(store, 99, first=4)
    store.prune(keep_runs=1)
    assert stands(store) == []
    store.withdraw("*", "*", "bob", FIRST_NIGHT)
    assert event_of(store) == before


def test_pruning_keeps_no_history_of_what_holds(store: Store, tmp_path: Path) -> None:
    nights(store, 5, 99, 99, 6, 7, 8)
    store.prune(keep_runs=1)
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM finding").fetchone() == (1,)
