"""What counts as drift, and what does not: two views of a target go in, events come out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hardener.drift import exit_code, find_drift
from hardener.errors import ConfigError, ExitCode
from hardener.model import (
    Acceptance,
    Comparison,
    Drift,
    DriftEvent,
    DriftKind,
    Finding,
    Outcome,
    Pair,
    Regression,
    Scope,
    Severity,
    View,
    Waiver,
)
from hardener.reports import drift as formats
from tests.unit.store.nights import finding, record
from tests.unit.waivers import waiver

STARTED = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
CONTROLS = {
    "alpha-one": record("alpha-one"),
    "alpha-two": record("alpha-two", severity=Severity.HIGH),
    "beta-person": record("beta-person", is_remediable=False, remedy="Only a person can decide."),
}


def view(run: str, /, machine_id: str | None = "m", **seen: Any) -> View:
    """A view of one machine; by control, with ``_`` for ``-``, what was seen."""
    special: dict[str, Any] = {name: seen.pop(name) for name in ("profile", "problem", "unseen") if name in seen}
    findings = {name.replace("_", "-"): finding(name.replace("_", "-"), value) for name, value in seen.items()}
    fields: dict[str, Any] = {
        "run": run,
        "started": STARTED,
        "profile": "cis-level1",
        "machine_id": machine_id,
        "findings": findings,
    }
    return View(**{**fields, **special})


HOSTS = Scope(inventories=("hosts.yml", "my hosts"))


def drift(*pairs: Pair, scope: Scope = HOSTS) -> Drift:
    return find_drift(
        Comparison(run="new", started=STARTED, profile="cis-level1", scope=scope, controls=CONTROLS, pairs=pairs)
    )


def compared(target: str, before: View, after: View, **changes: Any) -> Pair:
    """Two views of a target; what fails now and did not fail before stands since the later one."""
    standing = {}
    for control, new in after.findings.items():
        old = before.findings.get(control)
        reference = None if old is None or old.outcome in {Outcome.NOTSELECTED, Outcome.NOTCHECKED} else old
        if new.is_failing and not (reference and reference.is_failing):
            standing[control] = regression(new, reference)
    return Pair(target=target, before=before, after=after, **{"standing": standing, **changes})


def regression(new: Finding, reference: Finding | None, **changes: Any) -> Regression:
    fields: dict[str, Any] = {
        "finding": new,
        "reference": reference,
        "run": "old",
        "since": STARTED,
        "is_new": True,
    }
    return Regression(**{**fields, **changes})


def between(before: dict[str, Any], after: dict[str, Any], **changes: Any) -> Drift:
    return drift(compared("web", view("old", **before), view("new", **after), **changes))


def only(found: Drift) -> DriftEvent:
    (event,) = found.events
    return event


def test_what_held_and_fails_now_regressed_and_says_how_to_remedy_it() -> None:
    found = between({"alpha_one": 5}, {"alpha_one": 99}, causes={"alpha-one": "after our own run r"})
    event = only(found)
    assert (event.kind, event.is_regression, event.is_incomplete) == (DriftKind.REGRESSED, True, False)
    assert (event.before, event.after) == (finding("alpha-one", 5), finding("alpha-one", 99))
    assert (event.since, event.cause, event.baseline) == (STARTED, "after our own run r", "old")
    assert (event.is_new, event.nights) == (True, 1)
    assert event.remedy == "hardener apply -i hosts.yml -i 'my hosts' -l web --controls alpha-one"
    assert exit_code(found) == ExitCode.FINDINGS


def test_the_remedy_of_this_machine_names_it() -> None:
    pair = compared("localhost", view("old", alpha_one=5), view("new", alpha_one=99))
    named = "-i localhost, -e ansible_connection=local -l localhost"
    assert only(drift(pair, scope=Scope())).remedy == f"hardener apply {named} --controls alpha-one"


def test_where_no_role_remedies_the_record_says_why() -> None:
    assert only(between({"beta_person": 1}, {"beta_person": 99})).remedy == "Only a person can decide."


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (99, 5, DriftKind.FIXED),
        (99, 98, DriftKind.CHANGED),
        (5, 6, DriftKind.CHANGED),
        (5, Outcome.NOTAPPLICABLE, DriftKind.CHANGED),
        (Outcome.INFORMATIONAL, 5, DriftKind.CHANGED),
    ],
)
def test_what_is_different_and_no_worse_is_told_and_alarms_nobody(before: Any, after: Any, kind: DriftKind) -> None:
    found = between({"alpha_one": before}, {"alpha_one": after})
    assert only(found).kind is kind
    assert exit_code(found) == ExitCode.COMPLIANT


def standing(now: int, reference: int | None, **changes: Any) -> Drift:
    """``alpha-one`` shows the same as in the audit before, and that stands."""
    seen = view("new", alpha_one=now)
    old = None if reference is None else finding("alpha-one", reference)
    changes = {"since": STARTED - timedelta(days=3, minutes=-10), "is_new": False, **changes}
    stands = regression(seen.findings["alpha-one"], old, **changes)
    return drift(Pair(target="web", before=view("old", alpha_one=now), after=seen, standing={"alpha-one": stands}))


def test_a_regression_that_nobody_repaired_stands_with_its_age() -> None:
    found = standing(99, 5)
    event = only(found)
    assert (event.kind, event.is_regression, event.is_new, event.nights) == (DriftKind.REGRESSED, True, False, 4)
    assert (event.before, event.after) == (finding("alpha-one", 5), finding("alpha-one", 99))
    assert exit_code(found) == ExitCode.FINDINGS
    told = formats.FORMATS["table"](found)
    assert "1 regression standing, oldest 4 nights\n" in told
    assert "    4 nights, since 2026-11-18" in told


def test_what_failed_already_and_is_worse_is_a_regression_by_that_name() -> None:
    found = standing(99, 50)
    assert (only(found).kind, exit_code(found)) == (DriftKind.WORSE, ExitCode.FINDINGS)
    assert "  web  alpha-one  medium  worse  " in formats.FORMATS["table"](found)
    event = only(standing(99, 5, less_bad=finding("alpha-one", 50), is_new=True))
    assert (event.kind, event.before, event.is_new) == (DriftKind.WORSE, finding("alpha-one", 50), True)


def test_a_new_control_that_fails_stands_as_such() -> None:
    assert only(standing(99, None)).kind is DriftKind.NEW


def test_what_stands_on_a_target_that_does_not_answer_is_told_beside_its_silence() -> None:
    last = view("old")
    stands = {"alpha-one": regression(finding("alpha-one", 99), finding("alpha-one", 5), is_new=False)}
    silent = view("new", None, problem="no route")
    for after, kind in ((silent, DriftKind.UNREACHABLE), (None, DriftKind.VANISHED)):
        found = drift(Pair(target="web", before=last, last=last, after=after, standing=stands))
        assert [event.kind for event in found.events] == [DriftKind.REGRESSED, kind]
        assert exit_code(found) == ExitCode.INCOMPLETE
        assert "1 regression standing, oldest 1 night; 1 silent target\n" in formats.FORMATS["table"](found)


def test_a_control_that_could_not_be_looked_at_still_stands() -> None:
    stands = {"alpha-one": regression(finding("alpha-one", 99), finding("alpha-one", 5), is_new=False)}
    found = between({"alpha_one": 99}, {"alpha_one": Outcome.ERROR, "unseen": 1}, standing=stands)
    assert [event.kind for event in found.events] == [DriftKind.REGRESSED, DriftKind.UNSEEN]


def test_what_somebody_accepted_is_no_regression_and_says_who() -> None:
    accepted = Acceptance(
        target="web",
        control="alpha-one",
        machine_id="m",
        run="old",
        finding=finding("alpha-one", 99),
        reason="the old backup",
        by="ann",
        moment=STARTED,
    )
    found = between({"alpha_one": 5}, {"alpha_one": 99}, standing={}, accepted={"alpha-one": accepted})
    assert (only(found).kind, only(found).reason) == (DriftKind.ACCEPTED, "accepted by ann: the old backup")
    assert exit_code(found) == ExitCode.COMPLIANT


def test_a_fixed_control_that_holds_is_no_difference() -> None:
    fixed = finding("alpha-one", 5).model_copy(update={"outcome": Outcome.FIXED})
    before = view("old").model_copy(update={"findings": {"alpha-one": fixed}})
    assert drift(Pair(target="web", before=before, after=view("new", alpha_one=5))).events == ()


def test_other_reasons_for_the_same_are_no_difference() -> None:
    other = finding("alpha-one", 99).model_copy(update={"reason": "is 99 again", "expected": "at most 9"})
    after = view("new").model_copy(update={"findings": {"alpha-one": other}})
    assert drift(Pair(target="web", before=view("old", alpha_one=99), after=after)).events == ()


@pytest.mark.parametrize(("seen", "code"), [(99, ExitCode.FINDINGS), (5, ExitCode.COMPLIANT)])
@pytest.mark.parametrize("before", [{}, {"alpha_one": Outcome.NOTSELECTED}, {"alpha_one": Outcome.NOTCHECKED}])
def test_a_control_that_is_new_counts_only_if_it_fails(before: dict[str, Any], seen: int, code: ExitCode) -> None:
    found = between(before, {"alpha_one": seen})
    assert only(found).kind is DriftKind.NEW
    assert exit_code(found) == code


def test_a_control_that_left_the_catalogue_is_gone_and_one_nobody_looked_at_is_nothing() -> None:
    assert only(between({"alpha_one": 5}, {})).kind is DriftKind.GONE
    assert between({"alpha_one": 5}, {"alpha_one": Outcome.NOTSELECTED}).events == ()
    assert between({"alpha_one": Outcome.NOTSELECTED}, {}).events == ()


def test_what_cannot_be_looked_at_any_more_is_incomplete_even_beside_a_regression() -> None:
    found = between({"alpha_one": 5, "alpha_two": 5}, {"alpha_one": Outcome.ERROR, "alpha_two": 99, "unseen": 1})
    assert [event.kind for event in found.events] == [DriftKind.REGRESSED, DriftKind.UNSEEN]
    assert exit_code(found) == ExitCode.INCOMPLETE


def test_what_could_not_be_looked_at_before_either_is_still_not_in_sync() -> None:
    found = between({}, {"unseen": 3})
    assert only(found).reason == "3 more could not be looked at, as at the baseline"
    assert exit_code(found) == ExitCode.INCOMPLETE


def test_a_target_nobody_reached_is_one_event() -> None:
    after = view("new", None, problem="no route", alpha_one=Outcome.ERROR, unseen=1)
    found = drift(compared("web", view("old", alpha_one=5), after))
    assert (only(found).kind, only(found).reason) == (DriftKind.UNREACHABLE, "no route")
    assert (found.targets, found.compared) == (1, 0)
    assert exit_code(found) == ExitCode.INCOMPLETE


def test_a_target_that_was_lost_halfway_is_compared_as_far_as_it_was_seen() -> None:
    after = view("new", problem="connection lost", alpha_one=Outcome.ERROR, alpha_two=99, unseen=1)
    found = drift(compared("web", view("old", alpha_one=5, alpha_two=5), after))
    assert [event.kind for event in found.events] == [DriftKind.REGRESSED, DriftKind.UNREACHABLE]


def test_a_target_that_vanished_is_incomplete() -> None:
    found = drift(Pair(target="web", before=view("old", alpha_one=5)))
    assert only(found).kind is DriftKind.VANISHED
    assert exit_code(found) == ExitCode.INCOMPLETE


def test_a_target_that_appeared_alarms_nobody() -> None:
    found = drift(Pair(target="web", after=view("new", alpha_one=99)))
    assert only(found).kind is DriftKind.APPEARED
    assert (found.compared, exit_code(found)) == (0, ExitCode.COMPLIANT)


@pytest.mark.parametrize(
    ("is_declared", "code"),
    [(False, ExitCode.COMPLIANT), (True, ExitCode.INCOMPLETE)],
    ids=["audit before", "declared"],
)
def test_a_reinstalled_host_is_never_compared_with_its_predecessor(is_declared: bool, code: ExitCode) -> None:
    pair = Pair(
        target="web",
        before=view("old", "m1", alpha_one=5),
        after=view("new", "m2", alpha_one=99),
        is_declared=is_declared,
    )
    found = drift(pair)
    assert (only(found).kind, only(found).reason) == (DriftKind.REPLACED, "another machine: m2 instead of m1")
    assert exit_code(found) == code


def test_a_baseline_of_another_profile_is_refused() -> None:
    before = view("old", profile="cis-level2", alpha_one=5)
    pair = Pair(target="web", before=before, after=view("new", alpha_one=5), is_declared=True)
    with pytest.raises(ConfigError) as caught:
        drift(pair)
    assert str(caught.value) == (
        "baseline of web: old was made with profile cis-level2, new with cis-level1: declare another baseline"
    )


def test_regressions_come_first_the_severe_ones_before_the_others() -> None:
    found = drift(
        compared("b", view("old", alpha_one=5, alpha_two=5), view("new", alpha_one=99, alpha_two=99)),
        compared("a", view("old", alpha_one=99, alpha_two=5), view("new", alpha_one=5, alpha_two=99)),
        Pair(target="c", after=view("new", None, problem="no route")),
    )
    assert [(event.kind.value, event.target, event.control) for event in found.events] == [
        ("regressed", "a", "alpha-two"),
        ("regressed", "b", "alpha-two"),
        ("regressed", "b", "alpha-one"),
        ("unreachable", "c", None),
        ("fixed", "a", "alpha-one"),
        ("appeared", "c", None),
    ]
    assert set(found.controls) == {"alpha-one", "alpha-two"}


def waived(identifier: str = "w", seen: int = 99) -> Finding:
    return finding("alpha-one", seen).model_copy(update={"waiver": identifier})


def around_a_waiver(before: Finding, after: Finding, *waivers: Waiver) -> Drift:
    """Two views of the same control, and the waivers the later run was given."""
    old, new = (
        view(name).model_copy(update={"findings": {"alpha-one": item}})
        for name, item in (("old", before), ("new", after))
    )
    pair = compared("web", old, new)
    return find_drift(
        Comparison(run="new", started=STARTED, profile="cis-level1", controls=CONTROLS, waivers=waivers, pairs=(pair,))
    )


@pytest.mark.parametrize("before", [finding("alpha-one", 5), finding("alpha-one", 99)], ids=["held", "failed"])
def test_a_waived_failure_is_no_regression(before: Finding) -> None:
    found = around_a_waiver(before, waived())
    assert only(found).kind is DriftKind.WAIVED
    assert exit_code(found) == ExitCode.COMPLIANT


def test_a_new_control_that_fails_under_a_waiver_alarms_nobody() -> None:
    after = view("new").model_copy(update={"findings": {"alpha-one": waived()}})
    found = drift(compared("web", view("old"), after))
    assert only(found).kind is DriftKind.NEW
    assert exit_code(found) == ExitCode.COMPLIANT


def test_a_failure_whose_waiver_expired_is_a_regression_that_says_so() -> None:
    found = around_a_waiver(waived(), finding("alpha-one", 99), waiver(expires=STARTED))
    event = only(found)
    assert (event.kind, event.is_regression) == (DriftKind.REGRESSED, True)
    assert event.reason == "waiver w expired at 2026-11-21T03:00:00+00:00; is 99"
    assert event.reason in formats.FORMATS["table"](found)
    assert event.reason in formats.FORMATS["html"](found)


def test_a_failure_whose_waiver_is_about_something_else_now_is_one_too() -> None:
    event = only(around_a_waiver(waived(), finding("alpha-one", 98), waiver(observed=99)))
    assert event.reason == "waiver w does not cover it any more; is 98"


def test_what_another_waiver_covers_is_no_difference_and_another_value_is() -> None:
    assert around_a_waiver(waived("a"), waived("b")).events == ()
    assert only(around_a_waiver(waived(), waived(seen=98))).kind is DriftKind.CHANGED
    assert only(around_a_waiver(waived(), finding("alpha-one", 5))).kind is DriftKind.FIXED
