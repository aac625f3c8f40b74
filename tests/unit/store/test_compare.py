"""What the store lays side by side: the right run, the right baseline, and only what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardener.drift import find_drift
from hardener.errors import StoreError
from hardener.model import Change, DriftKind, Outcome, Run, RunKind, Scope, TargetResult
from hardener.store import Store

from .nights import FIRST_NIGHT, dead, night, result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs.sqlite")


def keep(store: Store, *nights: Run) -> None:
    for run in nights:
        store.save(run)


Told = tuple[str, str, str | None, str | None]


def told(store: Store, reference: str | None = None, pattern: str = "*") -> list[Told]:
    """Kind, target, control and baseline of every event."""
    found = find_drift(store.compare(reference, pattern))
    return [(event.kind.value, event.target, event.control, event.baseline) for event in found.events]


def test_only_what_differs_is_read(store: Store) -> None:
    keep(store, *(night(day, result("web", alpha_one=5, alpha_two=day)) for day in (1, 2)))
    (pair,) = store.compare().pairs
    assert pair.before is not None
    assert pair.after is not None
    assert (list(pair.before.findings), list(pair.after.findings)) == (["alpha-two"], ["alpha-two"])


def test_since_when_is_the_night_it_first_failed(store: Store) -> None:
    keep(store, *(night(day, result("web", alpha_one=seen)) for day, seen in ((1, 5), (2, 99), (3, 99), (4, 98))))
    store.declare_baseline("night-001", "*", FIRST_NIGHT)
    (event,) = find_drift(store.compare()).events
    assert (event.kind, event.since) == (DriftKind.REGRESSED, night(2).started)


def test_the_baseline_is_the_last_audit_that_saw_the_target_completely(store: Store) -> None:
    seen = result("web", alpha_one=5)
    keep(
        store,
        night(1, seen, result("db", "d", alpha_one=5)),
        night(2, seen, dead("db", "alpha-one")),
        night(3, seen, scope=Scope(inventories=("hosts.yml",), controls="alpha-*")),
        night(4, result("web", alpha_one=99), profile="cis-level2"),
        night(5, result("web", alpha_one=99), kind=RunKind.APPLY, before=(seen,)),
        night(6, result("web", alpha_one=99), result("db", "d", alpha_one=99)),
    )
    assert told(store) == [
        ("regressed", "db", "alpha-one", "night-001"),
        ("regressed", "web", "alpha-one", "night-005"),  # the audit that the apply started from
    ]


def test_a_declared_baseline_stays_until_it_is_cleared(store: Store) -> None:
    keep(store, *(night(day, result("web", alpha_one=seen)) for day, seen in ((1, 5), (2, 6), (3, 6))))
    assert told(store) == []
    assert store.declare_baseline("night-001", "w*", FIRST_NIGHT) == ["web"]
    assert told(store) == [("changed", "web", "alpha-one", "night-001")]
    assert [(item.target, item.run) for item in store.baselines()] == [("web", "night-001")]
    assert store.clear_baselines("db") == []
    assert store.clear_baselines("*") == ["web"]
    assert told(store) == []


def test_a_baseline_has_to_be_a_complete_view(store: Store) -> None:
    keep(store, night(1, dead("web", "alpha-one")))
    for pattern in ("*", "db"):
        with pytest.raises(StoreError, match="run night-001 saw no target completely that"):
            store.declare_baseline("latest", pattern, FIRST_NIGHT)


def test_an_earlier_run_is_compared_with_what_was_before_it(store: Store) -> None:
    keep(store, *(night(day, result("web", alpha_one=seen)) for day, seen in ((1, 5), (2, 99), (3, 5))))
    assert told(store, "night-002") == [("regressed", "web", "alpha-one", "night-001")]
    assert told(store, "night-003") == [("fixed", "web", "alpha-one", "night-002")]


def test_a_later_run_can_be_the_baseline_of_an_earlier_one(store: Store) -> None:
    keep(store, *(night(day, result("web", alpha_one=seen)) for day, seen in ((1, 99), (2, 5))))
    store.declare_baseline("night-002", "*", FIRST_NIGHT)
    assert told(store, "night-001") == [("regressed", "web", "alpha-one", "night-002")]


def test_controls_come_and_go_with_the_catalogue(store: Store) -> None:
    keep(
        store,
        night(1, result("web", alpha_one=5, alpha_old=5, alpha_same=7)),
        night(2, result("web", alpha_new=99, alpha_one=99, alpha_same=7)),
    )
    assert told(store) == [
        ("regressed", "web", "alpha-one", "night-001"),
        ("new", "web", "alpha-new", "night-001"),
        ("gone", "web", "alpha-old", "night-001"),
    ]


def test_a_narrowed_audit_says_nothing_about_the_rest(store: Store) -> None:
    narrow = result("web", alpha_one=99, beta_one=Outcome.NOTSELECTED)
    keep(store, night(1, result("web", alpha_one=5, beta_one=5)), night(2, narrow, scope=Scope(controls="alpha-*")))
    assert told(store) == [("regressed", "web", "alpha-one", "night-001")]


def test_targets_come_and_go(store: Store) -> None:
    web, db = result("web", alpha_one=5), result("db", "d", alpha_one=5)
    keep(store, night(1, web, db), night(2, web, result("new", "n", alpha_one=99)))
    assert told(store) == [("vanished", "db", None, "night-001"), ("appeared", "new", None, None)]
    assert told(store, None, "web") == []


def test_what_a_limited_or_other_audit_leaves_out_has_not_vanished(store: Store) -> None:
    web, db = result("web", alpha_one=5), result("db", "d", alpha_one=5)
    keep(store, night(1, web, db), night(2, web, scope=Scope(inventories=("hosts.yml",), limit="web")))
    assert told(store) == []
    store.declare_baseline("night-001", "*", FIRST_NIGHT)
    assert told(store) == []
    keep(store, night(3, web, scope=Scope(inventories=("other.yml",))))
    assert told(store) == []
    keep(store, night(4, web))
    assert told(store) == [("vanished", "db", None, "night-001")]
    keep(store, night(5, web))
    assert told(store) == [("vanished", "db", None, "night-001")]


def test_two_hosts_of_one_name_are_never_compared(store: Store) -> None:
    keep(store, night(1, result("web", "m1", alpha_one=5)), night(2, result("web", "m2", alpha_one=99)))
    assert told(store) == [("replaced", "web", None, "night-001")]
    keep(store, night(3, result("web", "m2", alpha_one=99)))
    assert told(store) == []


def changed(**seen: int) -> TargetResult:
    change = Change(role="alpha", task="Write", module="keyed_file")
    return result("web", **seen).model_copy(update={"changes": (change,)})


def test_our_own_apply_in_between_is_named_as_a_cause(store: Store) -> None:
    held = result("web", alpha_one=5, alpha_two=5)
    keep(
        store,
        night(1, held),
        night(2, changed(alpha_one=99, alpha_two=5), kind=RunKind.APPLY, before=(held,)),
        night(3, held, kind=RunKind.APPLY, before=(held,)),
        night(4, result("web", alpha_one=5, alpha_two=99)),
        night(5, result("web", alpha_one=99, alpha_two=99)),
    )
    causes = {
        reference: {event.control: event.cause for event in find_drift(store.compare(reference)).events}
        for reference in ("night-002", "night-004", "night-005")
    }
    assert causes["night-002"] == {"alpha-one": "after our own run night-002"}
    assert causes["night-004"] == {"alpha-two": ""}  # it still held after that run
    assert causes["night-005"] == {"alpha-one": "", "alpha-two": ""}


def test_without_an_audit_there_is_nothing_to_compare(store: Store) -> None:
    with pytest.raises(StoreError, match="no audit outside of a project is kept"):
        store.compare()
    keep(store, night(1, result("web", alpha_one=5)))
    assert told(store) == [("appeared", "web", None, None)]


def test_a_project_is_shown_its_own_newest_audit(store: Store) -> None:
    mine, other = (Scope(project=name, inventories=(f"{name}/hosts.yml",)) for name in ("/srv/mine", "/srv/other"))
    keep(
        store,
        night(1, result("web", alpha_one=5), scope=mine),
        night(2, result("web", alpha_one=99), scope=mine),
        night(3, result("shop", alpha_one=5), scope=other),
    )
    assert Store(store.location, "/srv/mine").compare().run == "night-002"
    assert Store(store.location, "/srv/other").compare().run == "night-003"
    with pytest.raises(StoreError, match="no audit of the project in /srv/new is kept; 'hardener runs list'"):
        Store(store.location, "/srv/new").compare()
