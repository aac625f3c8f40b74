"""What a recipient has to be told: audits go in one by one, news come out; nothing is told twice or forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hardener.alerting import Memory, follow, news
from hardener.drift import find_drift
from hardener.model import Acceptance, Alert, Comparison, Finding, News, Outcome, Pair, Scope, Seen
from tests.unit.store.nights import FIRST_NIGHT, finding
from tests.unit.test_drift import CONTROLS, compared, regression, view

Told = Sequence[Alert]
WAIVED = finding("alpha-one", 99).model_copy(update={"waiver": "w"})


ACCEPTED = Acceptance(
    target="web",
    control="alpha-one",
    machine_id="m",
    run="old",
    finding=finding("alpha-one", 99),
    reason="why",
    by="ann",
    moment=FIRST_NIGHT,
)
REMIND_DAYS = 7


def told(known: Told, *audits: tuple[Any, Any], **changes: Any) -> News:
    """What is told after audits of ``web``, each given by what it and its baseline saw of ``alpha-one``."""
    memory = Memory.of(known)
    for number, (before, after) in enumerate(audits):
        comparison, seen = audit(f"audit-{number}", before, after, **changes)
        drift = find_drift(comparison)
        memory = follow(memory, comparison, drift, seen)
    return news(memory, drift, REMIND_DAYS)


def audit(run: str, before: Any, after: Any, **given: Any) -> tuple[Comparison, Seen]:
    """``given``: which machine answers or what its problem is, who is silent, after how many days, what is accepted."""
    old, new = as_finding(before), as_finding(after)
    last = old if new.outcome.is_unknown else new
    stands = regression(last, old, since=FIRST_NIGHT, is_new=not old.is_failing)
    accepted = {"alpha-one": ACCEPTED} if given.get("is_accepted") else {}
    pair = Pair(
        target="web",
        before=view("old").model_copy(update={"findings": {"alpha-one": old}}),
        after=view(run, given.get("machine", "m"), problem=given.get("problem")).model_copy(
            update={"findings": {"alpha-one": new}}
        ),
        standing={"alpha-one": stands} if last.is_failing and not accepted else {},
        accepted=accepted,
    )
    scope = Scope(inventories=("hosts.yml",))
    comparison = Comparison(
        run=run,
        started=FIRST_NIGHT + timedelta(days=given.get("days", 0)),
        profile="cis-level1",
        scope=scope,
        controls=CONTROLS,
        pairs=(pair,),
    )
    return comparison, Seen(run=run, findings={"web": {"alpha-one": new}}, silent=given.get("silent", {}))


def as_finding(seen: Any) -> Finding:
    return seen if isinstance(seen, Finding) else finding("alpha-one", seen)


def after_a_regression() -> Told:
    """What is known once a regression was told."""
    return told((), (5, 99)).known


def test_a_regression_is_told_with_all_that_is_needed_to_act() -> None:
    found = told((), (5, 99))
    (alert,) = found.regressed
    assert (alert.target, alert.control, alert.title) == ("web", "alpha-one", "The title of alpha-one")
    assert (alert.before, alert.after) == (finding("alpha-one", 5), finding("alpha-one", 99))
    assert (alert.since, alert.run) == (FIRST_NIGHT, "audit-0")
    assert alert.remedy == "hardener apply -i hosts.yml -l web --controls alpha-one"
    assert found.known == (alert.model_copy(update={"told": FIRST_NIGHT, "least": alert.after}),)
    assert not found.is_empty


def test_it_is_told_once_whatever_it_is_compared_with() -> None:
    known = after_a_regression()
    for before in (99, 5):
        found = told(known, (before, 99))
        assert found.is_empty
        assert found.known == known


def test_what_got_worse_is_told_by_that_name_with_what_was_told_before() -> None:
    for before in (99, 5):
        found = told(after_a_regression(), (before, 120))
        (alert,) = found.worse
        assert (alert.before, alert.after) == (finding("alpha-one", 99), finding("alpha-one", 120))
        assert (alert.since, found.regressed) == (FIRST_NIGHT, ())
        assert told(found.known, (120, 120)).is_empty


def test_another_failure_that_is_no_worse_is_not_told_again() -> None:
    found = told(after_a_regression(), (99, 98))
    assert found.is_empty
    assert [alert.after for alert in found.known] == [finding("alpha-one", 98)]
    assert len(told(found.known, (98, 99)).worse) == 1


def test_what_was_never_told_is_told_as_a_regression_however_bad_it_is_by_then() -> None:
    found = told((), (5, 99), (99, 120))
    (alert,) = found.regressed
    assert (alert.before, alert.after, found.worse) == (finding("alpha-one", 5), finding("alpha-one", 120), ())


def test_what_stands_is_told_again_after_some_days_and_not_before() -> None:
    known = after_a_regression()
    for day in range(1, 30):
        found = told(known, (99, 99), days=day)
        assert [alert.control for alert in found.standing] == (["alpha-one"] if day % REMIND_DAYS == 0 else [])
        assert (found.regressed, found.worse, found.recovered) == ((), (), ())
        known = found.known


def test_what_got_worse_is_reminded_of_from_then_on() -> None:
    known = told(after_a_regression(), (99, 120), days=5).known
    assert told(known, (120, 120), days=7).is_empty
    assert len(told(known, (120, 120), days=12).standing) == 1


def test_a_recovery_is_told_and_forgotten() -> None:
    for before in (99, 5):
        found = told(after_a_regression(), (before, 5))
        (alert,) = found.recovered
        assert (alert.control, alert.after) == ("alpha-one", finding("alpha-one", 5))
        assert (found.regressed, found.known) == ((), ())


def test_what_was_never_told_recovers_in_silence() -> None:
    assert told((), (99, 5)).is_empty
    assert told((), (5, 99), (99, 5)).is_empty


def test_what_regresses_again_is_told_again() -> None:
    found = told(after_a_regression(), (99, 5), (5, 99))
    assert (len(found.regressed), found.recovered) == (1, ())


def test_what_no_audit_in_between_told_is_told_later() -> None:
    found = told((), (5, 99), (99, 99))
    assert [alert.run for alert in found.regressed] == ["audit-0"]


def test_what_could_not_be_looked_at_has_not_recovered() -> None:
    known = after_a_regression()
    assert told(known, (99, Outcome.ERROR)).known == known
    assert told(known, (99, Outcome.ERROR), problem="no route").known == known
    assert told(known, (99, Outcome.ERROR), (Outcome.ERROR, 99)).is_empty


def test_what_is_waived_or_does_not_apply_is_dropped_without_a_word_and_comes_anew() -> None:
    for after in (WAIVED, Outcome.NOTAPPLICABLE):
        found = told(after_a_regression(), (99, after))
        assert (found.is_empty, found.known) == (True, ())
        assert len(told((), (after, 99)).regressed) == 1


def test_what_is_accepted_is_dropped_without_a_word() -> None:
    found = told(after_a_regression(), (99, 99), is_accepted=True)
    assert (found.is_empty, found.known) == (True, ())


def test_what_was_told_of_another_machine_is_dropped_without_a_word() -> None:
    found = told(after_a_regression(), (5, 5), machine="other")
    assert (found.is_empty, found.known) == (True, ())


def test_a_silent_target_is_told_once_and_told_when_it_answers_again() -> None:
    how: dict[str, Any] = {"silent": {"web": FIRST_NIGHT}, "problem": "no route"}
    found = told((), (5, Outcome.ERROR), **how)
    (alert,) = found.silent
    assert (alert.target, alert.control, alert.since, alert.reason) == ("web", None, FIRST_NIGHT, "no route")
    assert told(found.known, (5, Outcome.ERROR), **how).is_empty
    back = told(found.known, (5, 5))
    assert [item.target for item in back.recovered] == ["web"]
    assert back.known == ()


def test_the_worst_is_told_first() -> None:
    pair = compared("web", view("old", alpha_one=5, alpha_two=5), view("new", alpha_one=99, alpha_two=99))
    comparison = Comparison(run="new", started=FIRST_NIGHT, profile="p", controls=CONTROLS, pairs=(pair,))
    drift = find_drift(comparison)
    found = news(follow(Memory(), comparison, drift, Seen(run="new")), drift, REMIND_DAYS)
    assert [alert.control for alert in found.regressed] == ["alpha-two", "alpha-one"]


SEEN = st.lists(st.integers(9, 12) | st.just(Outcome.NOTAPPLICABLE), min_size=2, max_size=8)


@given(SEEN, st.data())
def test_a_recipient_who_was_away_ends_up_knowing_the_same(nights: list[Any], data: Any) -> None:
    """However many audits are told at once, what is known in the end is what fails and regressed."""
    pairs = list(pairwise(nights))
    cut = data.draw(st.integers(0, len(pairs)))
    known: Told = ()
    for part in (pairs[:cut], pairs[cut:]):
        if part:
            known = told(known, *part).known
    once = told((), *pairs).known
    assert [(alert.key, alert.after) for alert in known] == [(alert.key, alert.after) for alert in once]
    if nights[-1] == 9:
        assert known == ()
    if nights[-1] in {11, 12} and nights[0] not in {11, 12}:
        assert [alert.after for alert in known] == [finding("alpha-one", nights[-1])]
